"""What computes a tile: a network under one of three runtimes, or plain bicubic or nearest.

An `Engine` is a plain function, so that whatever goes around one (self-ensemble, color matching) is again an engine.
It works on arrays, because torch takes longer to load than OpenVINO needs for a small image: only what computes with
torch imports it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...hub.model_files import SCALE, ModelFiles, is_foreign_file, model_files
from .choice import Choice
from .network import Engine, Network, find_network
from .overflow import with_f32_fallback

if TYPE_CHECKING:
    from torch import nn

BICUBIC, NEAREST = "bicubic", "nearest"


def bicubic(x: np.ndarray, scale: int = SCALE) -> np.ndarray:
    """Bicubic as in MATLAB, the baseline of every table. Any number of channels."""
    import torch

    from ...images.bicubic import resize

    return resize(torch.from_numpy(x), scale).numpy()


def nearest(x: np.ndarray, scale: int = SCALE) -> np.ndarray:
    """Every pixel as a square. Any number of channels."""
    return x.repeat(scale, axis=2).repeat(scale, axis=3)


BASELINES = {BICUBIC: bicubic, NEAREST: nearest}
"""What enlarges without weights, (N, C, h, w) -> (N, C, sh, sw), by the name that stands for a model."""
LARGEST = {BICUBIC: 4, NEAREST: 16}
"""Up to which whole factor they enlarge in one step."""


class OpenEngine(NamedTuple):
    """What enlarges tiles.

    Args:
        colors: for RGB.
        alpha: for one channel.
        name: such as "openvino bf16" or "bicubic".
        scale: how many times it enlarges.
        unshuffle, step, blocks: as of `Network`.
    """

    colors: Engine
    alpha: Engine
    name: str
    scale: int
    unshuffle: int = 1
    step: int = 1
    blocks: int = 0


def open_model(name: str | Path, revision: str | None = None) -> str | ModelFiles | nn.Module:
    """What a name stands for: a baseline itself, the network of a file of another program, or a model's files."""
    if name in BASELINES:
        return str(name)
    if is_foreign_file(name):
        from ..spandrel_model import read_spandrel

        return read_spandrel(name)
    return model_files(name, revision=revision)


def open_engine(model: str | ModelFiles | nn.Module, choice: Choice, scale: float | None) -> OpenEngine:
    """The engine of a model, or of a baseline, whose own factor follows the one that is wanted where it can."""
    if not isinstance(model, str):
        network = find_network(model)
        colors, alpha = make_engine(network, choice), partial(bicubic, scale=network.scale)
        sizes = network.scale, network.unshuffle, network.step, network.blocks
        return OpenEngine(colors, alpha, str(choice), *sizes)
    whole = int(scale or 0)
    own = whole if whole == scale and 1 <= whole <= LARGEST[model] else SCALE
    baseline = partial(BASELINES[model], scale=own)
    return OpenEngine(baseline, baseline, model, own)


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
