"""Network interpolation: a network whose weights lie between those of two (ESRGAN, Section 3.4).

The adversarial stage starts from the weights of the L1 stage. Networks on the straight line between the two work as
well, and invent less detail the closer they are to the L1 stage.
"""

import copy
import re
from pathlib import Path

from torch import nn

from ..errors import UserError
from ..hub.mixin import mismatches
from ..hub.model_files import ModelFiles

ENDING = re.compile(r"(?<!-psnr)(-x[1-4])$")


def load_between(
    model: str | Path | ModelFiles | nn.Module,
    fidelity: float,
    faithful: str | Path | ModelFiles | nn.Module | None = None,
) -> nn.Module:
    """The network at `fidelity` of the way from `model` to its L1-stage sibling `faithful`.

    Args:
        model: a name, a folder, a Hub id or a module: the network of fidelity 0.
        fidelity: 0 to 1.
        faithful: the network of fidelity 1; default the model that `sibling` names.

    Raises UserError for a number out of range, a missing sibling, or two networks of different sizes.
    """
    if not 0 <= fidelity <= 1:
        raise UserError(
            f"fidelity {fidelity:g} is out of range: 1 is faithful to the input, 0 looks most real"
        )
    faithful = sibling(model) if faithful is None else faithful
    return between(_load(model), _load(faithful), fidelity)


def sibling(model: str | Path | ModelFiles | nn.Module) -> str:
    """The name of the L1-stage model of a pair: `NAME-psnr-x4` for `NAME-x4`, bundled, a folder or a Hub id."""
    if not isinstance(model, nn.Module):
        name, count = ENDING.subn(r"-psnr\1", str(model).rstrip("/\\"))
        if count:
            return name
    subject = "a module" if isinstance(model, nn.Module) else f"'{model}'"
    raise UserError(f"{subject} names no faithful sibling; name the model of its L1 stage with --faithful")


def between(model: nn.Module, faithful: nn.Module, fidelity: float) -> nn.Module:
    """A new network with the weights (1 - fidelity) * model + fidelity * faithful. Both must have the same keys.

    A negative fidelity extrapolates beyond `model`: more invention.
    """
    ours, theirs = model.state_dict(), faithful.state_dict()
    if problems := mismatches(ours, theirs):
        raise UserError(
            f"fidelity needs two networks of one size, but the weights of {type(faithful).__name__} do not fit "
            f"{type(model).__name__}: {'; '.join(problems)}"
        )
    result = copy.deepcopy(model)
    result.load_state_dict({key: ours[key].lerp(theirs[key], fidelity) for key in ours})
    return result.eval()


def _load(model: str | Path | ModelFiles | nn.Module) -> nn.Module:
    from ..systems import from_pretrained

    return model if isinstance(model, nn.Module) else from_pretrained(model)
