"""Color matching: the low frequencies of a result are made to agree with the image it came from.

Networks trained against a discriminator may shift whole areas by a few levels. One step of local back-projection
removes that and leaves the texture alone:

    y + up(blur(x - down(y)))

with bicubic `up` and `down` by the scale of the network and a Gaussian `blur`. The correction at a pixel depends on
`REACH` input pixels around it, which is less than the overlap of tiles, so that it works tile by tile.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from .engines import Engine

SIGMA = 1.0
"""Standard deviation of the blur in input pixels: waves shorter than about three of them stay as they are."""
RADIUS = 4
"""Where the blur ends, in input pixels."""
REACH = RADIUS + 4
"""How far the correction depends on its surroundings, in input pixels; bicubic down and up take two each."""


@dataclass
class ColorShift:
    """Adds up how far colors were off before they were matched. One object measures one result."""

    total: np.ndarray = field(default_factory=lambda: np.zeros(3))
    pixels: int = 0

    def add(self, difference: np.ndarray) -> None:
        """Count a blurred difference, (N, 3, h, w) on the scale of 0 to 1."""
        self.total += np.abs(difference).sum(axis=(0, 2, 3), dtype=np.float64)
        self.pixels += difference.size // 3

    def mean(self) -> tuple[float, float, float] | None:
        """The mean distance of red, green and blue in 1/255; None if nothing was measured."""
        if not self.pixels:
            return None
        red, green, blue = (self.total * 255 / self.pixels).tolist()
        return red, green, blue


def match_color(engine: Engine, shift: ColorShift | None = None) -> Engine:
    """An engine whose results, shrunk and blurred, agree with their input.

    A constant shift is removed completely; of a wave of L input pixels, 1 - exp(-2 (pi SIGMA / L)^2) stays.
    The differences are added to `shift`.
    """

    def run(x: np.ndarray) -> np.ndarray:
        y = engine(x)
        scale = y.shape[-1] // x.shape[-1]
        # Values outside [0, 1] are clipped later, so they do not count as color.
        difference = _blur(x - _resize(y.clip(0, 1), 1 / scale))
        if shift is not None:
            shift.add(difference)
        return y + _resize(difference, scale)

    return run


def _resize(x: np.ndarray, factor: float) -> np.ndarray:
    height, width = x.shape[-2:]
    return _bicubic_matrix(height, factor).T @ (x @ _bicubic_matrix(width, factor))


def _blur(x: np.ndarray) -> np.ndarray:
    height, width = x.shape[-2:]
    return _blur_matrix(height).T @ (x @ _blur_matrix(width))


@lru_cache(maxsize=16)
def _bicubic_matrix(length: int, factor: float) -> np.ndarray:
    """(length, ceil(factor length)). On tiles a product of matrices is by far the fastest way to resize."""
    import torch

    from ..images.bicubic import resize

    return resize(torch.eye(length), (1.0, factor)).numpy()


@lru_cache(maxsize=8)
def _blur_matrix(length: int) -> np.ndarray:
    """(length, length): a Gaussian that ends at RADIUS; the edge is repeated outwards."""
    distance = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-(distance**2) / (2 * SIGMA**2))
    matrix = np.zeros((length, length), np.float32)
    columns = np.arange(length)
    for step, weight in zip(distance, weights / weights.sum(), strict=True):
        np.add.at(matrix, (np.clip(columns + step, 0, length - 1), columns), weight)
    return matrix
