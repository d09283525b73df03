"""What computes a tile: a network under one of three runtimes, or plain bicubic.

An engine maps (N, 3, h, w) float32 in [0, 1] on the CPU to (N, 3, 4h, 4w) float32 on the CPU, not clamped,
for any h, w >= 1. It is a plain function, so that whatever goes around one (self-ensemble, colour matching)
is again an engine.
"""

import copy
from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn

from ...data.bicubic import resize
from ..tiles import SCALE
from .choice import Choice

Engine = Callable[[Tensor], Tensor]

BICUBIC = "bicubic"


def bicubic(x: Tensor) -> Tensor:
    """MATLAB-true bicubic x4: the baseline that every table starts with. Any number of channels."""
    return resize(x, SCALE)


def make_engine(model: str | Path | nn.Module, choice: Choice, revision: str | None = None) -> Engine:
    """The engine for "bicubic", for a model's name, folder or Hub id, or for a module, which is copied."""
    from .torch_engine import torch_engine

    if isinstance(model, nn.Module):
        return torch_engine(copy.deepcopy(model), choice)
    if model == BICUBIC:
        return bicubic
    from ...systems import from_pretrained

    return torch_engine(from_pretrained(model, revision=revision), choice)
