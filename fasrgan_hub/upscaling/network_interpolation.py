"""Network interpolation: a network whose weights lie between those of others (ESRGAN, Section 3.4).

Networks whose training started from the same weights can be mixed: those on the straight line between two work as
well. There are two such lines, and a model has a sibling at the other end of each:

| axis     | 0                                            | 1                                              |
|----------|----------------------------------------------|------------------------------------------------|
| fidelity | NAME-x4: adversarial, looks most real        | NAME-psnr-x4: its L1 stage, invents least      |
| denoise  | NAME-bicubic-x4: trained on clean images     | NAME-x4: trained on any, removes noise and JPEG |
"""

import copy
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath

from torch import nn

from ..errors import MissingFileError, UserError
from ..hub.mixin import mismatches
from ..hub.model_files import ModelFiles, model_files

Model = str | ModelFiles | nn.Module
"""A string is "bicubic" or "nearest", which have no weights."""
Find = Callable[[str | Path], ModelFiles]

_NAME = re.compile(r"(.+?)(-bicubic)?(-psnr)?(-x[1-4])")
_NO_SIBLING = {
    "fidelity": "names no faithful sibling; name the model of its L1 stage with --faithful",
    "denoise": "names no sibling for clean images, as NAME-bicubic-x4 is that of NAME-x4; leave --denoise out",
}


def blend(
    model: Model,
    fidelity: float = 0.0,
    denoise: float = 1.0,
    faithful: str | Path | ModelFiles | nn.Module | None = None,
    find: Find = model_files,
) -> Model:
    """The model at a place between `model`, which is at (0, 1), and its siblings.

    Where a number is 0 or 1, that end itself is used, and a corner is returned as it was found; else a new network.

    Args:
        model: its files or a module.
        fidelity, denoise: 0 to 1.
        faithful: the model at fidelity 1; default the sibling.
        find: looks a sibling up by its name.

    Raises UserError for a number out of range, a missing sibling, or networks of different sizes.
    """
    for axis, value in (("fidelity", fidelity), ("denoise", denoise)):
        if not 0 <= value <= 1:
            raise UserError(f"{axis} {value:g} is out of range; it lies between 0 and 1")
    if isinstance(faithful, str | Path):
        faithful = find(faithful)

    def denoised(end: Model) -> Model:
        if denoise == 1:
            return end
        clean = sibling(end, "denoise", find)
        return clean if denoise == 0 else between(_load(clean), _load(end), denoise)

    if fidelity == 0:
        return denoised(model)
    other = sibling(model, "fidelity", find) if faithful is None else faithful
    if fidelity == 1:
        return denoised(other)
    return between(_load(denoised(model)), _load(denoised(other)), fidelity)


def sibling(model: Model, axis: str, find: Find = model_files) -> ModelFiles:
    """The model at the other end of an axis. Raises UserError if there is none."""
    name = sibling_name(model, axis) if isinstance(model, ModelFiles) else None
    if name is None:
        subject = "a module" if isinstance(model, nn.Module) else f"'{model}'"
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


def between(first: nn.Module, second: nn.Module, share: float) -> nn.Module:
    """A new network with the weights (1 - share) * first + share * second. Both must have the same keys.

    A share below 0 or above 1 extrapolates.
    """
    ours, theirs = first.state_dict(), second.state_dict()
    if problems := mismatches(ours, theirs):
        raise UserError(
            f"only networks of one size can be mixed, but the weights of {type(second).__name__} do not fit "
            f"{type(first).__name__}: {'; '.join(problems)}"
        )
    result = copy.deepcopy(first)
    result.load_state_dict({key: ours[key].lerp(theirs[key], share) for key in ours})
    return result.eval()


def _load(model: Model) -> nn.Module:
    from ..systems import from_pretrained

    return model if isinstance(model, nn.Module) else from_pretrained(model)
