"""A generator that need not be loaded: runtimes that keep a converted copy only need the key of its weights."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...hub.model_files import SCALE, UNSHUFFLE, ModelFiles, model_files

if TYPE_CHECKING:
    from torch import nn

Engine = Callable[[np.ndarray], np.ndarray]
"""(N, 3, h, w) float32 in [0, 1] -> (N, 3, sh, sw) float32, not clamped, for any h, w >= 1; s is the model's scale."""


@dataclass(frozen=True)
class Network:
    """A generator.

    Args:
        load: returns the module, in eval mode on the CPU; the caller may change it.
        key: a hash of architecture and weights; None for a module whose code this package does not know.
        named: whether it has a name or a folder, so that it will be used again.
        scale: how many times it enlarges.
        blocks: its residual blocks; for an unknown module a fifteenth of its convolutions, as in ESRGAN.
        unshuffle: side of the squares of pixels that it takes together; of an unknown module, what ours would.
        step: what tiles start at multiples of.

    A module of other code says its own as attributes: `scale`, `blocks`, `unshuffle` and `step`.
    """

    load: Callable[[], nn.Module]
    key: str | None = None
    named: bool = False
    scale: int = SCALE
    blocks: int = 0
    unshuffle: int = 1
    step: int = 1


def find_network(model: str | Path | ModelFiles | nn.Module) -> Network:
    """The network of a name, a folder, a Hub id or a module.

    Raises UserError if there is no such model. Its weights are checked when it is loaded.
    """
    if not isinstance(model, str | Path | ModelFiles):
        return _network_of_module(model)
    files = model_files(model)

    def load() -> nn.Module:
        from ...systems import from_pretrained

        return from_pretrained(files)

    key = hashlib.sha256(files.config_file.read_bytes() + files.weights.read_bytes()).hexdigest()
    return Network(load, key, True, *_sizes(files.config))


def is_ours(model: nn.Module) -> bool:
    """Whether a module's class, and so its code, is of this package; of a mean of results, those of its parts."""
    if not type(model).__module__.startswith("fasrgan_hub."):
        return False
    return hasattr(model, "config") or all(is_ours(part) for part in model.children())


def _network_of_module(model: nn.Module) -> Network:
    def load() -> nn.Module:
        return copy.deepcopy(model).eval()

    if is_ours(model) and hasattr(model, "config"):
        return Network(load, _key_of_module(model), False, *_sizes(model.config))

    def size_of(name: str, default: int) -> int:
        value = getattr(model, name, default)
        return value if isinstance(value, int) else default

    scale = size_of("scale", SCALE)
    convolutions = sum(type(layer).__name__ == "Conv2d" for layer in model.modules())
    unshuffle = size_of("unshuffle", UNSHUFFLE.get(scale, 1))
    step = size_of("step", unshuffle)
    return Network(load, None, False, scale, size_of("blocks", convolutions // 15), unshuffle, step)


def _sizes(config: Any) -> tuple[int, int, int, int]:
    """Scale, blocks, unshuffle and step of a network of this package."""
    scale = config.get("scale", SCALE)
    unshuffle = UNSHUFFLE.get(scale, 1)
    return scale, config.get("blocks", 0) + config.get("shared_blocks", 0), unshuffle, unshuffle


def _key_of_module(model: nn.Module) -> str:
    digest = hashlib.sha256(json.dumps(model.config, sort_keys=True, default=str).encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
