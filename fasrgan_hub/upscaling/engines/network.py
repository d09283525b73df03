"""A generator that need not be loaded: runtimes that keep a converted copy only ask for the name of its weights."""

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn


@dataclass(frozen=True)
class Network:
    """A generator.

    Args:
        load: gives the module, in eval mode on the CPU; the caller may change it.
        key: names architecture and weights; None for a module whose code this package does not know.
        folder: the user's own model folder, if it comes from one.
    """

    load: Callable[[], nn.Module]
    key: str | None = None
    folder: Path | None = None


def find_network(model: str | Path | nn.Module, revision: str | None = None) -> Network:
    """The network that a name, a folder, a Hub id or a module stands for.

    Raises UserError if there is no such model. That it can be loaded shows when it is.
    """
    if isinstance(model, nn.Module):
        return Network(lambda: copy.deepcopy(model).eval(), _key_of_module(model))
    from ...models.hub import BUNDLED, CONFIG, WEIGHTS, find_file

    config, weights = (find_file(model, name, revision=revision) for name in (CONFIG, WEIGHTS))

    def load() -> nn.Module:
        from ...systems import from_pretrained

        return from_pretrained(model, revision=revision)

    own = Path(model).is_dir() and not Path(model).resolve().is_relative_to(BUNDLED)
    return Network(load, _digest(config.read_bytes(), weights.read_bytes()), Path(model) if own else None)


def is_ours(model: object) -> bool:
    """Whether this is a module whose class, and so its code, is of this package."""
    return isinstance(model, nn.Module) and type(model).__module__.startswith("fasrgan_hub.")


def _key_of_module(model: nn.Module) -> str | None:
    from ...models.hub import HubModel

    if not is_ours(model) or not isinstance(model, HubModel):
        return None
    weights = (
        part
        for name, tensor in model.state_dict().items()
        for part in (name.encode(), tensor.detach().cpu().contiguous().numpy().tobytes())
    )
    return _digest(json.dumps(model.config, sort_keys=True, default=str).encode(), *weights)


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
