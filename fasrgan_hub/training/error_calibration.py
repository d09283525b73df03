"""Calibration of an error estimator on photographs that it did not learn from.

The loss is log m + e / m for the prediction m and the error e: the exponential distribution's, which is least where m
is the mean of e.
"""

import torch
from torch import Tensor

from ..models.error_estimator import CLEAN, ErrorEstimator
from ..upscaling.maps import MUCH, ErrorMap
from .examples import MARGIN, Examples

SMALLEST = 0.5
"""Gray levels that are added to prediction and error in the loss: rounding alone is a quarter of a level."""


def calibrate(estimator: ErrorEstimator, examples: Examples) -> str:
    """Set the slopes of the calibration, and say what was predicted and what was true after it."""
    raw, error = _predict(estimator, examples)
    logarithms = torch.zeros_like(estimator.slopes, requires_grad=True)
    optimizer = torch.optim.LBFGS([logarithms], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        estimator.slopes = logarithms.exp()
        value = expected_loss(estimator.calibrated(raw), error)
        value.backward()
        return value

    optimizer.step(loss)
    estimator.slopes = logarithms.detach().exp()
    predicted = estimator.calibrated(raw)
    likely, off = ErrorMap(predicted.numpy()).share_above(MUCH), float((error > MUCH).float().mean())
    return (
        f"{len(raw)} crops that it did not learn from, {predicted.mean():.2f} gray levels were predicted and "
        f"{error.mean():.2f} true; of the pixels {likely:.1%} were likely off by more than {MUCH:g}, and {off:.1%} were"
    )


def expected_loss(predicted: Tensor, error: Tensor) -> Tensor:
    """The mean of log m + e / m, both with `SMALLEST` added."""
    m, e = predicted + SMALLEST, error + SMALLEST
    return (m.log() + e / m).mean()


@torch.no_grad()
def _predict(estimator: ErrorEstimator, examples: Examples) -> tuple[Tensor, Tensor]:
    """The map before calibration and the true error of every third pixel but those at the borders, (N, 1, H, W)."""
    each_third = slice(MARGIN * estimator.cell, -MARGIN * estimator.cell, 3)
    inside = (..., each_third, each_third)
    raws, errors = [], []
    for index in range(len(examples.small)):
        result, small, error, other = examples.whole(index)
        damage = estimator.damage_of(small)
        raws.append(estimator.raw(result, small, damage, other if damage <= CLEAN else None)[inside])
        errors.append(error[inside])
    return torch.cat(raws), torch.cat(errors)
