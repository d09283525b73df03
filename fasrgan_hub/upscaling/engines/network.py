"""A generator that need not be loaded: runtimes that keep a converted copy only ask for the name of its weights."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Network:
    """A generator.

    Args:
        load: gives the module, in eval mode on the CPU; the caller may change it.
        key: names architecture and weights; None for a module whose code this package does not know.
        named: whether it has a name or a folder, so that it will be asked for again.
    """

    load: Callable[[], nn.Module]
    key: str | None = None
    named: bool = False


def find_network(model: str | Path | nn.Module, revision: str | None = None) -> Network:
    """The network that a name, a folder, a Hub id or a module stands for.

    Raises UserError if there is no such model. That it can be loaded shows when it is.
    """
    if not isinstance(model, str | Path):
        return Network(lambda: copy.deepcopy(model).eval(), _key_of_module(model))
    from ...hub.model_files import CONFIG, WEIGHTS, commit_of, find_file

    config = find_file(model, CONFIG, revision=revision)
    commit = commit_of(config) or revision
    weights = find_file(model, WEIGHTS, revision=commit)

    def load() -> nn.Module:
        from ...systems import from_pretrained

        return from_pretrained(model, revision=commit)

    key = hashlib.sha256(config.read_bytes() + weights.read_bytes()).hexdigest()
    return Network(load, key, named=True)


def is_ours(model: nn.Module) -> bool:
    """Whether a module's class, and so its code, is of this package, and it knows its configuration."""
    return type(model).__module__.startswith("fasrgan_hub.") and hasattr(model, "config")


def _key_of_module(model: nn.Module) -> str | None:
    if not is_ours(model):
        return None
    digest = hashlib.sha256(json.dumps(model.config, sort_keys=True, default=str).encode())
    for name, tensor in model.state_dict().items():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
