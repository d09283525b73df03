"""Bicubic shrinking, as in MATLAB, of an image that comes in bands of rows."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from .bicubic import taps
from .pixels import white

BLOCK = 128
"""Rows or columns of the image that one matrix covers."""

Block = tuple[slice, slice, np.ndarray]


def resize_bands(
    bands: Iterable[np.ndarray], size: tuple[int, int], target: tuple[int, int], wrap: bool = False
) -> Iterator[np.ndarray]:
    """`bicubic.resize(image, size=target)` from bands of rows to bands of rows.

    Only the rows that the next row of the result depends on are in memory, unless the image wraps.

    Args:
        bands: (h, W, C) of floats in [0, 1] or of unsigned integers; the heights h add up to H.
        size: (H, W).
        target: (rows, columns) of the result.
        wrap: what lies beyond an edge is the image's other side, as in a seamless texture, not its reflection.

    Yields (h', columns, C), of the type of the bands, clamped to their range.
    """
    axes = [
        taps(length, count, count / length, True, mirror=not wrap)
        for length, count in zip(size, target, strict=True)
    ]
    if wrap:
        ends = [(-int(i.min()), int(i.max()) + 1 - length) for (i, _), length in zip(axes, size, strict=True)]
        axes = [(i + before, weights) for (before, _), (i, weights) in zip(ends, axes, strict=True)]
        bands = [np.pad(np.concatenate(list(bands)), [*ends, (0, 0)], "wrap")]
    (rows, weights), columns = axes[0], list(_blocks(*axes[1]))
    # For each row of the result: the first row of the image that it or a later row reads, the last that it or an
    # earlier row reads.
    lowest = rows.amin(0).flip(0).cummin(0).values.flip(0).tolist()
    highest = rows.amax(0).cummax(0).values.tolist()
    held: np.ndarray | None = None
    first = done = 0
    for band in bands:
        held = band if held is None else np.concatenate((held, band))
        ready = bisect_left(highest, first + len(held))
        if ready > done:
            yield _resample(held, list(_blocks(rows[:, done:ready] - first, weights[:, done:ready])), columns)
            done = ready
            if done < target[0]:
                held, first = held[lowest[done] - first :].copy(), lowest[done]


def _blocks(indices: Tensor, weights: Tensor) -> Iterator[Block]:
    """(slice of the result, slice of the image, matrix), short enough for dense matrices, which are fast."""
    count = indices.shape[1]
    step = max(1, BLOCK * count // max(1, int(indices.max() - indices.min())))
    for start in range(0, count, step):
        stretch = slice(start, min(start + step, count))
        low, high = int(indices[:, stretch].min()), int(indices[:, stretch].max()) + 1
        matrix = torch.zeros(stretch.stop - start, high - low, dtype=weights.dtype)
        matrix.scatter_add_(1, indices[:, stretch].T - low, weights[:, stretch].T)
        yield stretch, slice(low, high), matrix.numpy()


def _resample(x: np.ndarray, rows: list[Block], columns: list[Block]) -> np.ndarray:
    integers = x.dtype.kind == "u"
    kind = np.float32 if integers else x.dtype
    levels = white(x)
    result = np.empty((rows[-1][0].stop, columns[-1][0].stop, x.shape[2]), x.dtype)
    for down, used, matrix in rows:
        lines = matrix.astype(kind) @ x[used].transpose(2, 0, 1).astype(kind)
        for across, window, other in columns:
            part = (lines[..., window] @ other.astype(kind).T).clip(0, levels)
            result[down, across] = (np.rint(part) if integers else part).transpose(1, 2, 0)
    return result
