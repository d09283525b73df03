"""Bicubic resizing that agrees with MATLAB's `imresize`, in torch.

The benchmarks of super-resolution define their LR images by it, so PSNR depends on it to the second decimal. It differs
from the bicubic of torch and Pillow: Keys' kernel with a = -0.5, widened by the factor when shrinking (antialiasing),
sample positions at pixel centers, and a border mirrored with the edge pixel repeated.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor


def resize(
    x: Tensor,
    scale: float | tuple[float, float] | None = None,
    size: tuple[int, int] | None = None,
    antialias: bool = True,
) -> Tensor:
    """Resize the last two dimensions as MATLAB's imresize(..., "bicubic") does.

    Args:
        x: (..., H, W), floating point, any range; the result is not clamped and overshoots by about 10 %.
        scale: factor, or factors for (H, W); the result has ceil(H * scale) rows. Exact fractions keep the phase:
            `scale=1/4` of a 10-pixel side makes 3 pixels that are 4 apart, as in MATLAB.
        size: (rows, columns) instead of a factor; the factor is then size / input.
        antialias: widen the kernel when shrinking (MATLAB's default).

    Returns: (..., H', W') of the same dtype and device. Differentiable.
    """
    if (scale is None) == (size is None):
        raise ValueError("give either scale or size")
    if not x.is_floating_point():
        raise ValueError(f"resize needs floating-point pixels, not {x.dtype}")
    for dim in (-2, -1):
        length = x.shape[dim]
        if size is not None:
            target = size[dim]
            factor = target / length
        else:
            assert scale is not None
            factor = scale[dim] if isinstance(scale, tuple) else scale
            target = math.ceil(length * factor)
        if target < 1:
            raise ValueError(f"cannot resize {length} pixels to {target}")
        if factor != 1 or target != length:
            x = _resize_last(x.transpose(dim, -1), target, factor, antialias).transpose(dim, -1)
    return x


def downscale(x: Tensor, factor: int = 4) -> Tensor:
    """The LR image of an HR image: (..., H, W) in [0, 1] -> (..., ceil(H / factor), ceil(W / factor)).

    Equals imresize on 8-bit images, which rounds after the rows and again after the columns: the LR images of
    Set5 and Set14 come out to 0.1 % of their pixels (off by one), but for the two outermost rows and columns, where
    the MATLAB that made them repeated the edge instead of mirroring it.
    """
    for scale in ((1 / factor, 1.0), (1.0, 1 / factor)):
        x = (resize(x, scale).clamp(0, 1) * 255).round() / 255
    return x


def _resize_last(x: Tensor, target: int, factor: float, antialias: bool) -> Tensor:
    indices, weights = taps(x.shape[-1], target, factor, antialias)
    indices, weights = indices.to(x.device), weights.to(x.device, x.dtype)
    result = x.new_zeros(*x.shape[:-1], target)
    for tap in range(indices.shape[0]):
        result = torch.addcmul(result, x.index_select(-1, indices[tap]), weights[tap])
    return result


@lru_cache(maxsize=64)
def taps(
    length: int, target: int, factor: float, antialias: bool, mirror: bool = True
) -> tuple[Tensor, Tensor]:
    """For every output pixel the indices and the weights of the input pixels that it reads, both (taps, target).

    Indices beyond the border are mirrored, or left as they are: below 0 and from `length` on.
    """
    shrink = min(factor, 1.0) if antialias else 1.0
    width = 4 / shrink
    count = math.ceil(width) + 2
    center = (torch.arange(target, dtype=torch.float64) + 0.5) / factor - 0.5
    first = torch.floor(center - width / 2).long() + 1
    positions = first + torch.arange(count)[:, None]
    weights = _keys((center - positions) * shrink)
    weights = weights / weights.sum(dim=0)
    used = (weights != 0).any(dim=1)
    positions, weights = positions[used], weights[used]
    if not mirror:
        return positions, weights
    mirrored = positions % (2 * length)
    return torch.where(mirrored < length, mirrored, 2 * length - 1 - mirrored), weights


def _keys(distance: Tensor) -> Tensor:
    """Keys' cubic convolution kernel with a = -0.5, support [-2, 2]."""
    d = distance.abs()
    near = 1.5 * d**3 - 2.5 * d**2 + 1
    far = -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2
    return torch.where(d <= 1, near, torch.where(d <= 2, far, torch.zeros_like(d)))
