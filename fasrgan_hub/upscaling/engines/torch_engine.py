"""A network under torch, on any device that torch knows."""

import torch
from torch import Tensor, nn

from ...errors import UserError
from .choice import Choice

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def torch_engine(model: nn.Module, choice: Choice):
    """An engine that owns `model`."""
    dtype, device = DTYPES[choice.precision], choice.device
    try:
        model = model.eval().to(torch.device(device), dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device '{device}' cannot be used: {str(error).splitlines()[0]}") from error

    @torch.inference_mode()
    def run(x: Tensor) -> Tensor:
        return model(x.to(device, dtype, memory_format=torch.channels_last)).to("cpu", torch.float32)

    return run
