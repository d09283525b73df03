"""Colors of fully transparent pixels, so that the edges of visible areas get no halo.

A network mixes colors with their surroundings regardless of alpha, so that the color of fully transparent pixels,
mostly black, spreads into the edges. They are therefore filled with the colors around them first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def fill_transparent(colors: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Colors with those under zero alpha replaced by nearby visible ones; the others stay as they are.

    The image is halved repeatedly, each pixel as the mean of its visible pixels, until all pixels have a color. Then
    each larger image takes its missing colors from the next smaller one (pull-push).

    Args:
        colors: (N, C, h, w) float.
        alpha: (N, 1, h, w); only where it is 0 matters.

    Returns (N, C, h, w); where nothing is visible, `colors` as they are.
    """
    known = (alpha > 0).astype(colors.dtype)
    if known.all() or not known.any():
        return colors
    import torch

    return _filled(torch.from_numpy(colors * known), torch.from_numpy(known)).numpy()


def _filled(colors: Tensor, known: Tensor) -> Tensor:
    """Fill where `known` is 0; there `colors` are 0 too."""
    import torch
    from torch.nn import functional as F

    if known.all():
        return colors
    shape = colors.shape[-2:]
    odd = (0, shape[1] % 2, 0, shape[0] % 2)
    share = F.avg_pool2d(F.pad(known, odd), 2)
    mean = F.avg_pool2d(F.pad(colors, odd), 2) / share.clamp_min(1 / 4)
    smaller = _filled(mean, (share > 0).to(known.dtype))
    larger = F.interpolate(smaller, scale_factor=2, mode="bilinear")[..., : shape[0], : shape[1]]
    return torch.where(known > 0, colors, larger)
