"""What computes a tile: a network under one of three runtimes, or plain bicubic.

An engine maps (N, 3, h, w) float32 in [0, 1] on the CPU to (N, 3, 4h, 4w) float32 on the CPU, not clamped,
for any h, w >= 1. It is a plain function, so that whatever goes around one (self-ensemble, colour matching)
is again an engine.
"""

from collections.abc import Callable
from pathlib import Path

from torch import Tensor, nn

from ...data.bicubic import resize
from ..tiles import SCALE
from .choice import Choice
from .network import find_network

Engine = Callable[[Tensor], Tensor]

BICUBIC = "bicubic"


def bicubic(x: Tensor) -> Tensor:
    """MATLAB-true bicubic x4: the baseline that every table starts with. Any number of channels."""
    return resize(x, SCALE)


def make_engine(model: str | Path | nn.Module, choice: Choice, revision: str | None = None) -> Engine:
    """The engine for "bicubic", for a model's name, folder or Hub id, or for a module, which is copied."""
    if isinstance(model, str) and model == BICUBIC:
        return bicubic
    network = find_network(model, revision)
    if choice.engine == "openvino":
        from .openvino_engine import openvino_engine

        return openvino_engine(network, choice)
    if choice.engine == "onnx":
        from .onnx_engine import onnx_engine

        return onnx_engine(network, choice)
    from .torch_engine import torch_engine

    return torch_engine(network, choice)
