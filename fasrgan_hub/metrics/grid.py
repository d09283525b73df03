"""How much of an image's texture repeats with the upscaling grid: a score of checkerboards.

A network that enlarges four times may repeat the same cell of 4 x 4 pixels. Such a grid has its power at the multiples
of a quarter of a cycle per pixel; other texture has about as much there as at the frequencies beside them. In a woven
mesh the cells differ, but all are rough at the same places: there the size of the steps from pixel to pixel repeats.
"""

from functools import lru_cache

import numpy as np

from ..errors import UserError
from .pixels import luma, rgb8, size_of

PERIOD = 4
WINDOW = 64
NEAR, FAR = 3, 5  # the neighbors of a frequency, in 1/64 cycles away from it along either axis
FLAT = 1.0  # far below one gray level of texture


def grid(sr: np.ndarray, hr: np.ndarray | None = None) -> float:
    """Power at the grid's frequencies over that beside them, in the ninth of ten windows; lower is better.

    Of Y or of the size of its steps, whichever has more in that window. 1 means no grid; photographs have about 2 in
    the ninth of ten windows, because few windows are without chance. An image that truly repeats every 4 pixels (a
    comic's print, JPEG's blocks of 8) has more. `sr` is H x W x 3 uint8; `hr` is not used. Raises UserError below one
    window of 64 x 64 pixels and the one beside it that a step needs.
    """
    y = luma(rgb8(sr))
    if min(y.shape) <= WINDOW:
        raise UserError(
            f"the grid's score needs {WINDOW + 1}x{WINDOW + 1} pixels; this image has {size_of(sr)}"
        )
    steps = np.hypot(np.diff(y, axis=0)[:, 1:], np.diff(y, axis=1)[1:])
    return float(np.quantile(np.maximum(_ratios(y[1:, 1:]), _ratios(steps)), 0.9))


def _ratios(plane: np.ndarray) -> np.ndarray:
    """Of every window that overlaps the next by half: power on the grid over that beside it."""
    views = np.lib.stride_tricks.sliding_window_view(plane, (WINDOW, WINDOW))[:: WINDOW // 2, :: WINDOW // 2]
    on, around, along = _frequencies()
    ratios = []
    for row in views:
        contrast = row - row.mean(axis=(1, 2), keepdims=True)
        power = np.abs(np.fft.fft2(contrast * _hann())).reshape(len(row), -1) ** 2
        beside = np.maximum(power[:, around].mean(axis=2), power[:, along].mean(axis=2)).sum(axis=1)
        ratios.append(power[:, on].sum(axis=1) / np.maximum(beside, FLAT))
    return np.concatenate(ratios)


@lru_cache
def _hann() -> np.ndarray:
    return np.outer(*[np.hanning(WINDOW)] * 2)


@lru_cache
def _frequencies() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices into 64 x 64 frequencies: the grid's (15,), those around each (15, 96), and along its direction (15, 6).

    A straight edge has its power on a line through the zero frequency; it must not count as a grid either.
    """
    step, reach = WINDOW // PERIOD, range(-FAR, FAR + 1)
    ring = np.array([(i, j) for i in reach for j in reach if max(abs(i), abs(j)) >= NEAR])
    cells = np.array([(i, j) for i in (-1, 0, 1, 2) for j in (-1, 0, 1, 2) if i or j])
    outward = cells / np.abs(cells).max(axis=1, keepdims=True)
    steps = np.array([t for t in reach if abs(t) >= NEAR])
    around = cells[:, None] * step + ring
    along = cells[:, None] * step + np.rint(steps[:, None] * outward[:, None]).astype(int)
    return tuple(
        np.ravel_multi_index(np.moveaxis(f % WINDOW, -1, 0), (WINDOW, WINDOW))
        for f in (cells * step, around, along)
    )
