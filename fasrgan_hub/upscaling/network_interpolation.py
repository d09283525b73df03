"""Network interpolation: a network whose weights lie between those of others (ESRGAN, Section 3.4).

Networks whose training started from the same weights can be mixed: those on the straight line between two work as
well. There are two such lines, fidelity and denoise; `siblings.py` says what lies at their ends. Networks of different
sizes have no weights between them, those that a long training has led far apart none that work; their results are
mixed instead, at the cost of running both.
"""

import copy
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..errors import UserError
from ..hub.mixin import mismatches
from ..hub.model_files import ModelFiles, model_files
from .engines.network import find_network
from .siblings import Find, sibling

Model = str | ModelFiles | nn.Module
"""A string is "bicubic" or "nearest", which have no weights."""


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

    Raises UserError for a number out of range, a missing sibling, or networks of different scales.
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


def between(first: nn.Module, second: nn.Module, share: float) -> nn.Module:
    """A new network with the weights (1 - share) * first + share * second, or the mean of results if none work.

    A share below 0 or above 1 extrapolates. Raises UserError for networks of different scales.
    """
    if not have_weights_between(first, second):
        return MeanOfResults(first, second, share).eval()
    ours, theirs = first.state_dict(), second.state_dict()
    result = copy.deepcopy(first)
    result.load_state_dict({key: ours[key].lerp(theirs[key], share) for key in ours})
    return result.eval()


def have_weights_between(first: nn.Module, second: nn.Module) -> bool:
    """Whether two networks are of one size and, as far as their config.json says, of one ancestor."""
    if MeanOfResults in (type(first), type(second)):
        return False
    if getattr(first, "ancestor", "") != getattr(second, "ancestor", ""):
        return False
    return not mismatches(first.state_dict(), second.state_dict())


class MeanOfResults(nn.Module):
    """(1 - share) * first(x) + share * second(x); its other attributes are what the Upscaler tiles by.

    Raises UserError for generators of different scales.
    """

    def __init__(self, first: Any, second: Any, share: float):
        super().__init__()
        scales = [int(network.scale) for network in (first, second)]
        if len(set(scales)) > 1:
            raise UserError(f"only networks of one scale can be mixed, not of x{scales[0]} and x{scales[1]}")
        self.first, self.second, self.share = first, second, share
        self.scale, self.unshuffle = scales[0], int(first.unshuffle)
        self.blocks = max(find_network(network).blocks for network in (first, second))

    def forward(self, x: Tensor) -> Tensor:
        enlarged: Tensor = self.first(x)
        return enlarged.lerp(self.second(x), self.share)


def _load(model: Model) -> nn.Module:
    from ..systems import from_pretrained

    return model if isinstance(model, nn.Module) else from_pretrained(model)
