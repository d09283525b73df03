"""What computes a tile: a network under torch, or plain bicubic.

An engine maps (N, 3, h, w) float32 in [0, 1] on the CPU to (N, 3, 4h, 4w) float32 on the CPU, not clamped,
for any h, w >= 1. Other runtimes fit in here as further functions of that kind.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from ..data.bicubic import resize
from ..errors import UserError
from ..systems import from_pretrained
from .tiles import SCALE

Engine = Callable[[Tensor], Tensor]

BICUBIC = "bicubic"


def bicubic(x: Tensor) -> Tensor:
    """MATLAB-true bicubic x4: the baseline that every table starts with. Any number of channels."""
    return resize(x, SCALE)


def make_engine(
    model: str | Path | nn.Module,
    revision: str | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> Engine:
    """The engine for "bicubic", for a model's name, folder or Hub id, or for a module."""
    if isinstance(model, nn.Module):
        return torch_engine(copy.deepcopy(model), device, dtype)
    if model == BICUBIC:
        return bicubic
    return torch_engine(from_pretrained(model, revision=revision), device, dtype)


def torch_engine(
    model: nn.Module, device: str | torch.device | None = None, dtype: torch.dtype | None = None
) -> Engine:
    """An engine that owns `model`, on `device` (default CUDA if there is one, else the CPU) and in `dtype`.

    dtype is float32 (default) or bfloat16: 2 to 3 times faster where the hardware has it, off by up to 2/255.
    float16 is refused, because the activations of these networks can overflow it, into black tiles.
    """
    dtype = dtype or torch.float32
    if dtype not in (torch.float32, torch.bfloat16):
        raise UserError(f"dtype {dtype} is not supported; use torch.float32 or torch.bfloat16")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        model = model.eval().to(torch.device(device), dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device '{device}' cannot be used: {str(error).splitlines()[0]}") from error

    @torch.inference_mode()
    def run(x: Tensor) -> Tensor:
        return model(x.to(device, dtype, memory_format=torch.channels_last)).to("cpu", torch.float32)

    return run
