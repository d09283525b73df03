"""Large pictures through a network in tiles, so that memory depends on the tile and not on the picture."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, product

import torch
from torch import Tensor

from ..errors import UserError

SCALE = 4
TILE = 192
OVERLAP = 16

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all) after every tile."""


@dataclass(frozen=True)
class Span:
    """One axis of one tile: the network sees [start, stop), the result keeps [first, last) of it."""

    start: int
    stop: int
    first: int
    last: int


def spans(length: int, tile: int, overlap: int) -> list[Span]:
    """Cut `length` pixels into windows of one size, at most `tile` + 2 `overlap`, with disjoint kept parts.

    Every kept pixel stands at least `overlap` pixels from an inner edge of its window. The outer edges of
    the first and the last window are the picture's own, where the network pads as it does for the whole
    picture: no window reaches beyond the picture, so no tile sees invented context.
    """
    count = max(1, math.ceil((length - 2 * overlap) / tile))
    window = min(length, math.ceil((length - 2 * overlap) / count) + 2 * overlap)
    starts = [i * (length - window) // max(1, count - 1) for i in range(count)]
    cuts = [0, *((left + window + right) // 2 for left, right in pairwise(starts)), length]
    return [
        Span(start, start + window, first, last)
        for start, (first, last) in zip(starts, pairwise(cuts), strict=True)
    ]


def upscale_tiled(
    run: Callable[[Tensor], Tensor],
    x: Tensor,
    tile: int = TILE,
    overlap: int = OVERLAP,
    progress: Progress | None = None,
) -> Tensor:
    """`run(x)`, computed tile by tile.

    Tiles are cut as `spans` says, on both axes; all have the same shape. Of each tile's result only the core
    is kept, which has seen its surroundings; nothing is blended. What a network computes further than
    `overlap` pixels away does not reach a core: the default overlap keeps the bundled models within 1/255 of
    the untiled result.

    Args:
        run: (N, C, h, w) -> (N, C', 4h, 4w), for any h, w >= 1; the result's type is that of what `run`
            gives.
        x: (N, C, H, W), on the CPU. A view will do; tiles are slices of it.
        tile: side in input pixels of what a tile adds to the result; 0 takes the whole picture at once.
        overlap: context in input pixels around a tile.

    Returns: (N, C', 4H, 4W) on the CPU, channels last in memory.
    """
    if tile < 0 or overlap < 0:
        raise UserError(f"tile {tile} and overlap {overlap} must not be negative")
    height, width = x.shape[-2:]
    tiles = list(product(spans(height, tile or height, overlap), spans(width, tile or width, overlap)))
    result: Tensor | None = None
    for done, (row, column) in enumerate(tiles, start=1):
        y = run(x[:, :, row.start : row.stop, column.start : column.stop])
        if result is None:
            shape = (*y.shape[:2], SCALE * height, SCALE * width)
            result = torch.empty(shape, dtype=y.dtype, memory_format=torch.channels_last)
        result[:, :, _enlarged(row.first, row.last), _enlarged(column.first, column.last)] = y[
            :,
            :,
            _enlarged(row.first - row.start, row.last - row.start),
            _enlarged(column.first - column.start, column.last - column.start),
        ]
        if progress is not None:
            progress(done, len(tiles))
    assert result is not None
    return result


def _enlarged(first: int, last: int) -> slice:
    return slice(SCALE * first, SCALE * last)
