"""Any factor: four times by the network, then MATLAB-true bicubic down to what was asked for, band by band.

Above four the network runs on its own result first, which is then held in memory.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from ..data.bicubic import taps
from ..errors import UserError
from .tiles import SCALE

LARGEST = SCALE * SCALE
BLOCK = 128
"""Rows or columns of the picture that one matrix takes."""

Block = tuple[slice, slice, Tensor]


def check_scale(scale: float) -> None:
    """UserError unless a picture can be enlarged `scale` times."""
    if not 0 < scale <= LARGEST:
        raise UserError(f"scale {scale:g} is out of range; a picture can be enlarged up to {LARGEST} times")


def scaled(length: int, scale: float) -> int:
    """The side that a side of `length` pixels becomes: rounded, halves upwards, at least 1."""
    return max(1, math.floor(length * scale + 0.5))


def resize_bands(bands: Iterable[Tensor], size: tuple[int, int], target: tuple[int, int]) -> Iterator[Tensor]:
    """`bicubic.resize(picture, size=target)` of a picture that comes in bands of rows, and goes in bands of rows.

    Of the picture only the band and the rows above it are held that the next row of the result looks at.

    Args:
        bands: (N, C, h, W) of floats in [0, 1] or of unsigned integers; the heights h add up to H.
        size: (H, W).
        target: (rows, columns) of the result.

    Yields (N, C, h', columns), of the type of the bands, clamped to their range, channels last in memory.
    """
    rows, weights = taps(size[0], target[0], target[0] / size[0], True)
    columns = list(_blocks(*taps(size[1], target[1], target[1] / size[1], True)))
    # The first and the last row of the picture that each row of the result, and those after or before it, look at.
    lowest = rows.amin(0).flip(0).cummin(0).values.flip(0).tolist()
    highest = rows.amax(0).cummax(0).values.tolist()
    held: Tensor | None = None
    first = done = 0
    for band in bands:
        held = band if held is None else torch.cat((held, band), dim=2)
        ready = bisect_left(highest, first + held.shape[2])
        if ready > done:
            yield _resample(held, list(_blocks(rows[:, done:ready] - first, weights[:, done:ready])), columns)
            done = ready
            if done < target[0]:
                held, first = held[:, :, lowest[done] - first :].clone(), lowest[done]


def _blocks(indices: Tensor, weights: Tensor) -> Iterator[Block]:
    """(of the result, of the picture, matrix): stretches short enough for dense matrices, which are fast."""
    count = indices.shape[1]
    step = max(1, BLOCK * count // max(1, int(indices.max() - indices.min())))
    for start in range(0, count, step):
        stretch = slice(start, min(start + step, count))
        low, high = int(indices[:, stretch].min()), int(indices[:, stretch].max()) + 1
        matrix = torch.zeros(stretch.stop - start, high - low, dtype=weights.dtype)
        matrix.scatter_add_(1, indices[:, stretch].T - low, weights[:, stretch].T)
        yield stretch, slice(low, high), matrix


def _resample(x: Tensor, rows: list[Block], columns: list[Block]) -> Tensor:
    kind = x.dtype if x.is_floating_point() else torch.float32
    levels = 1 if x.is_floating_point() else torch.iinfo(x.dtype).max
    shape = (*x.shape[:2], rows[-1][0].stop, columns[-1][0].stop)
    result = torch.empty(shape, dtype=x.dtype, memory_format=torch.channels_last)
    for down, seen, matrix in rows:
        lines = matrix.to(kind) @ x[:, :, seen].to(kind, memory_format=torch.contiguous_format)
        for across, window, other in columns:
            part = (lines[..., window] @ other.to(kind).T).clamp_(0, levels)
            result[:, :, down, across] = part if levels == 1 else part.round_().to(x.dtype)
    return result
