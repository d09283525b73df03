"""The models whose weights can be mixed with those of a model, by name.

A model may have a sibling at the other end of each of two axes:

| axis     | 0                                            | 1                                              |
|----------|----------------------------------------------|------------------------------------------------|
| fidelity | NAME-x4: adversarial, looks most real        | NAME-psnr-x4: its L1 stage, invents least      |
| denoise  | NAME-bicubic-x4: trained on clean images     | NAME-x4: trained on any, removes noise and JPEG |

Siblings of another size, or with another `"ancestor"` in config.json, mix their results instead of their weights.

Imports no torch: `--model auto` asks for siblings of models that OpenVINO runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ..errors import MissingFileError, UserError
from ..hub.model_files import ModelFiles, model_files

if TYPE_CHECKING:
    from torch import nn

Find = Callable[[str | Path], ModelFiles]

_NAME = re.compile(r"(.+?)(-bicubic)?(-psnr)?(-x[1-4])")
_NO_SIBLING = {
    "fidelity": "names no faithful sibling; `fasrgan upscale --faithful` takes the model of its L1 stage",
    "denoise": "names no sibling for clean images, as NAME-bicubic-x4 is that of NAME-x4; leave --denoise out",
}


def sibling(model: ModelFiles | str | nn.Module, axis: str, find: Find = model_files) -> ModelFiles:
    """The model at the other end of an axis. Raises UserError if there is none."""
    name = sibling_name(model, axis) if isinstance(model, ModelFiles) else None
    if name is None:
        subject = f"'{model}'" if isinstance(model, str | ModelFiles) else "a module"
        raise UserError(f"{subject} {_NO_SIBLING[axis]}")
    try:
        return find(name)
    except MissingFileError as error:
        raise MissingFileError(f"'{model}' has no sibling for {axis}: {error}") from error


def sibling_name(model: ModelFiles, axis: str) -> str | None:
    """What the model at the other end of an axis is called, if the model says so by its configuration or its name.

    `"siblings": {"fidelity": "OTHER"}` in config.json names a model beside this one: a folder in the same folder, a
    Hub id of the same owner; with a slash, any Hub id. Otherwise the endings -psnr-x4 and -bicubic-x4 do.
    """
    path = PurePath(model.name)
    if path.name in ("", ".."):  # "." and the like: the folder's own name is not in it
        path = Path(model.name).resolve()
    siblings = model.config.get("siblings")
    named = siblings.get(axis) if isinstance(siblings, Mapping) else None
    if isinstance(named, str) and named:
        return named if "/" in named else str(path.with_name(named))
    parts = _NAME.fullmatch(path.name)
    if parts is None or parts[3 if axis == "fidelity" else 2]:
        return None
    stem, bicubic, psnr, scale = (part or "" for part in parts.groups())
    ending = bicubic + "-psnr" if axis == "fidelity" else "-bicubic" + psnr
    return str(path.with_name(stem + ending + scale))
