"""Large images through a network in tiles, so that memory depends on the tile and not on the image."""

import logging
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np

from ..errors import UserError, is_out_of_memory

logger = logging.getLogger(__name__)

TILE = 256
OVERLAP = 16
MARGIN = 8
"""Pixels beyond the edges that networks are shown, so that the zeros with which they pad stay out of the result."""

MIRROR, WRAP, ZEROS = "mirror", "wrap", "zeros"
EDGES = (MIRROR, WRAP, ZEROS)
"""What lies beyond the edges: the image's reflection; its other side, as in a seamless texture; nothing."""

SMALLEST_TILE = 16
"""The tile is not halved below this side when memory runs out."""

Run = Callable[[np.ndarray], np.ndarray]
"""(h, w, C) -> (sh, sw, C') with one integer s, for any h, w >= 1."""

Progress = Callable[[int, int], None]
"""Called with (tiles done, tiles in all) after every tile."""


@dataclass(frozen=True)
class Span:
    """One axis of one tile: the network takes [start, stop), the result uses [first, last) of that.

    A tile at an edge of the image may start before 0 and stop behind the last pixel.
    """

    start: int
    stop: int
    first: int
    last: int


def spans(length: int, tile: int, overlap: int, step: int = 1, margin: int = 0) -> list[Span]:
    """Cut `length` pixels into windows of one size, at most `tile` + 2 `overlap`, whose used parts are disjoint.

    Every used pixel is at least `overlap` pixels away from an inner edge of its window. The outer edges of the
    first and the last window are `margin` pixels beyond those of the image; there the network pads as it does for
    a whole image. Windows start at multiples of `step` from there, and may be 2 `step` larger.
    """
    length += 2 * margin
    tile = math.ceil(tile / step) * step
    count = max(1, math.ceil((length - 2 * overlap) / tile))
    core = math.ceil((length - 2 * overlap) / count / step) * step
    steps = max(0, length - core - 2 * overlap) // step  # from the first start to the last
    window = length - steps * step
    starts = [i * steps // max(1, count - 1) * step for i in range(count)]
    cuts = [0, *((left + window + right) // 2 for left, right in pairwise(starts)), length]
    last_pixel = length - margin
    return [
        Span(
            start - margin,
            start + window - margin,
            max(first, margin) - margin,
            min(last, last_pixel) - margin,
        )
        for start, (first, last) in zip(starts, pairwise(cuts), strict=True)
        if first < last_pixel and last > margin
    ]


def check_tiles(tile: int | None, overlap: int | None) -> None:
    """Raise UserError for a negative number."""
    if (tile or 0) < 0 or (overlap or 0) < 0:
        raise UserError(f"tile {tile} and overlap {overlap} must not be negative")


def default_margin(edges: str, overlap: int, unshuffle: int = 1) -> int:
    """The margin in pixels for edges of this kind: what repeats must agree on both sides, so it takes the overlap.

    Raises UserError for edges that are not in `EDGES`.
    """
    margins = {MIRROR: MARGIN * unshuffle, WRAP: max(MARGIN * unshuffle, overlap), ZEROS: 0}
    if edges not in margins:
        raise UserError(f"edges must be one of {', '.join(EDGES)}, not '{edges}'")
    return margins[edges]


def default_overlap(blocks: int, unshuffle: int = 1) -> int:
    """The overlap in pixels that hides the tiles of a generator of this depth: 2.5 a residual block, at least 16.

    Where the trunk takes squares of `unshuffle` pixels together, it is so many times as much.

    Measured for 23 blocks trained against a discriminator, as the largest difference from the untiled result in
    1/255: 33 with 16 pixels, 10 with 32, 4.6 with 40, 2.1 with 46 and 0.6 with 56.
    """
    return max(OVERLAP, 5 * blocks // 2) * unshuffle


def default_tile(overlap: int, unshuffle: int = 1) -> int:
    """The tile in pixels with which the overlap at most doubles the time of a large image."""
    return max(TILE * unshuffle, 5 * overlap)


def upscale_bands(
    run: Run,
    x: np.ndarray,
    tile: int = TILE,
    overlap: int = OVERLAP,
    progress: Progress | None = None,
    step: int = 1,
    margin: int = 0,
    wrap: bool = False,
) -> Iterator[np.ndarray]:
    """`run(x)` from top to bottom in bands of rows, computed tile by tile; one band is in memory at a time.

    Tiles are cut as `spans` says, on both axes; all have the same shape. Of each tile's result only the core is
    used, without blending. Pixels of the core do not depend on the tile as long as the network's receptive field
    stays within `overlap`. Tiles are not batched: on a CPU batches gain nothing from 48 pixels on.

    When memory runs out, the tile is halved, with a warning, and the work continues with the row of tiles that failed.

    Args:
        run: enlarges a tile.
        x: (H, W, C), may be a view; tiles are slices of it.
        tile: side in input pixels of what a tile adds to the result; 0 takes the whole image at once.
        overlap: context in input pixels around a tile.
        progress: called with (tiles done, tiles in all).
        step: side of the squares of pixels that the network takes together, beginning at the top left of the margin.
        margin: context in input pixels beyond the edges of the image.
        wrap: the context is that of an image which repeats, else its reflection.

    Yields (sh, sW, C') of the type that `run` returns; the heights h add up to H.
    """
    check_tiles(tile, overlap)
    height, width = x.shape[:2]
    longest = max(height, width) + 2 * margin
    tile = min(tile, longest) or longest
    rows_done = tiles_done = 0
    while rows_done < height:
        columns = spans(width, tile, overlap, step, margin)
        rows = [row for row in spans(height, tile, overlap, step, margin) if row.last > rows_done]
        total = tiles_done + len(rows) * len(columns)

        def report(done: int, before: int = tiles_done, total: int = total) -> None:
            if progress is not None:
                progress(before + done, total)

        try:
            row = replace(rows[0], first=max(rows[0].first, rows_done))
            band = _band(run, partial(_cut, x, wrap), row, columns, width, report)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or tile <= SMALLEST_TILE:
                raise
            band = None
        if band is None:  # outside the handler, where the error still refers to the tile that did not fit
            tile = max(SMALLEST_TILE, tile // 2)
            logger.warning("not enough memory for a tile: going on with tiles of %d pixels", tile)
            _empty_cache()
            continue
        rows_done = rows[0].last
        tiles_done += len(columns)
        yield band
        del band  # before the next one is made


def _empty_cache() -> None:
    """Let a GPU give back what a tile that did not fit has taken."""
    if (torch := sys.modules.get("torch")) and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _band(
    run: Run,
    cut: Callable[[Span, Span], np.ndarray],
    row: Span,
    columns: list[Span],
    width: int,
    report: Callable[[int], None],
) -> np.ndarray:
    """The result's rows of one row of tiles of an image of this width."""
    band: np.ndarray | None = None
    for done, column in enumerate(columns, start=1):
        y = run(cut(row, column))
        scale = len(y) // (row.stop - row.start)
        core = y[
            scale * (row.first - row.start) : scale * (row.last - row.start),
            scale * (column.first - column.start) : scale * (column.last - column.start),
        ]
        if band is None:
            band = np.empty((len(core), scale * width, core.shape[2]), y.dtype)
        band[:, scale * column.first : scale * column.last] = core
        report(done)
    assert band is not None
    return band


def _cut(x: np.ndarray, wrap: bool, row: Span, column: Span) -> np.ndarray:
    """The pixels of a tile; a view of `x` where it does not reach beyond the edges."""
    if row.start >= 0 and row.stop <= x.shape[0] and column.start >= 0 and column.stop <= x.shape[1]:
        return x[row.start : row.stop, column.start : column.stop]
    beyond = _wrapped if wrap else _mirrored
    return x[beyond(row, x.shape[0])[:, None], beyond(column, x.shape[1])]


def _wrapped(span: Span, length: int) -> np.ndarray:
    return np.arange(span.start, span.stop) % length


def _mirrored(span: Span, length: int) -> np.ndarray:
    """The pixels of a span in an axis that goes back and forth, the outermost pixel twice."""
    index = np.arange(span.start, span.stop) % (2 * length)
    return np.minimum(index, 2 * length - 1 - index)
