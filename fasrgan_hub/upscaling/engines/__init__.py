"""What computes a tile: a network under one of three runtimes, or plain bicubic.

An engine maps a numpy array (N, 3, h, w) of float32 in [0, 1] to (N, 3, 4h, 4w) of float32, not clamped, for any
h, w >= 1. It is a plain function, so that whatever goes around one (self-ensemble, color matching) is again an
engine. Arrays, because images are arrays and torch takes longer to load than OpenVINO needs for a small image:
only what computes with torch imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..tiles import SCALE
from .choice import Choice
from .network import find_network

if TYPE_CHECKING:
    from torch import nn

Engine = Callable[[np.ndarray], np.ndarray]

BICUBIC = "bicubic"


def bicubic(x: np.ndarray) -> np.ndarray:
    """MATLAB-true bicubic x4: the baseline that every table starts with. Any number of channels."""
    import torch

    from ...images.bicubic import resize

    return resize(torch.from_numpy(x), SCALE).numpy()


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
