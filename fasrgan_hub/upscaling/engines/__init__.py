"""What computes a tile: a network under one of three runtimes, or plain bicubic.

An `Engine` is a plain function, so that whatever goes around one (self-ensemble, color matching) is again an engine.
It works on arrays, because torch takes longer to load than OpenVINO needs for a small image: only what computes with
torch imports it.
"""

from dataclasses import replace

import numpy as np

from ...hub.model_files import SCALE
from .choice import Choice
from .network import Engine, Network
from .overflow import with_f32_fallback

BICUBIC = "bicubic"


def bicubic(x: np.ndarray, scale: int = SCALE) -> np.ndarray:
    """Bicubic as in MATLAB, the baseline of every table. Any number of channels."""
    import torch

    from ...images.bicubic import resize

    return resize(torch.from_numpy(x), scale).numpy()


def make_engine(network: Network, choice: Choice) -> Engine:
    """The engine that runs a network as `choice` says; where that overflows, f32 does."""
    engine = _make_engine(network, choice)
    if choice.precision == "f32":
        return engine
    f32 = replace(choice, precision="f32")
    return with_f32_fallback(engine, lambda: _make_engine(network, f32), str(choice))


def _make_engine(network: Network, choice: Choice) -> Engine:
    """The engine of a choice, which may overflow."""
    if choice.engine == "openvino":
        from .openvino_engine import openvino_engine

        return openvino_engine(network, choice)
    if choice.engine == "onnx":
        from .onnx_engine import onnx_engine

        return onnx_engine(network, choice)
    from .torch_engine import torch_engine

    return torch_engine(network, choice)
