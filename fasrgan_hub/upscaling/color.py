"""Colors that stay: the low frequencies of a result are made to agree with the image it came from.

Networks trained against a discriminator are free to shift whole areas by a few levels. One step of local
back-projection takes that out and leaves the texture alone:

    y + up(blur(x - down(y)))

with bicubic `up` and `down` by four and a Gaussian `blur`. What it does at a place depends on `REACH` input pixels
around it, less than the overlap of tiles, so that it works inside them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from .engines import Engine
from .tiles import SCALE

SIGMA = 1.0
"""Standard deviation of the blur in input pixels: waves shorter than about three of them stay as they are."""
RADIUS = 4
"""Where the blur ends, in input pixels."""
REACH = RADIUS + 4
"""How far away, in input pixels, the result is looked at; bicubic down and up take two each."""


@dataclass
class Drift:
    """How far colors had drifted, over all that an engine did since the last `take`."""

    total: np.ndarray = field(default_factory=lambda: np.zeros(3))
    pixels: int = 0

    def add(self, difference: np.ndarray) -> None:
        """Count a blurred difference, (N, 3, h, w) on the scale of 0 to 1."""
        self.total += np.abs(difference).sum(axis=(0, 2, 3), dtype=np.float64)
        self.pixels += difference.size // 3

    def take(self) -> tuple[float, float, float] | None:
        """The mean distance of red, green and blue in 1/255, and a fresh start; None if there was nothing."""
        if not self.pixels:
            return None
        red, green, blue = (self.total * 255 / self.pixels).tolist()
        self.total, self.pixels = np.zeros(3), 0
        return red, green, blue


def match_color(engine: Engine, drift: Drift | None = None) -> Engine:
    """An engine whose results, shrunk and blurred, agree with what it was given.

    A constant shift goes altogether; of a wave L input pixels long, 1 - exp(-2 (pi SIGMA / L)^2) stays. What it
    found is added to `drift`.
    """

    def run(x: np.ndarray) -> np.ndarray:
        y = engine(x)
        # What lies outside [0, 1] is clipped later, and has no color that could be compared.
        difference = _both_ways(x - _both_ways(y.clip(0, 1), _down), _blur)
        if drift is not None:
            drift.add(difference)
        return y + _both_ways(difference, _up)

    return run


def _both_ways(x: np.ndarray, matrix: Callable[[int], np.ndarray]) -> np.ndarray:
    """Rows and columns through a linear map; on tiles a product of matrices is by far the fastest way."""
    height, width = x.shape[-2:]
    return matrix(height).T @ (x @ matrix(width))


@lru_cache(maxsize=8)
def _down(length: int) -> np.ndarray:
    """(length, length / 4): the matrix of bicubic shrinking."""
    return _bicubic(length, 1 / SCALE)


@lru_cache(maxsize=8)
def _up(length: int) -> np.ndarray:
    """(length, 4 length): the matrix of bicubic enlarging."""
    return _bicubic(length, float(SCALE))


def _bicubic(length: int, factor: float) -> np.ndarray:
    import torch

    from ..images.bicubic import resize

    return resize(torch.eye(length), (1.0, factor)).numpy()


@lru_cache(maxsize=8)
def _blur(length: int) -> np.ndarray:
    """(length, length): the matrix of a Gaussian that ends at RADIUS; the edge is repeated outwards."""
    distance = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-(distance**2) / (2 * SIGMA**2))
    matrix = np.zeros((length, length), np.float32)
    columns = np.arange(length)
    for step, weight in zip(distance, weights / weights.sum(), strict=True):
        np.add.at(matrix, (np.clip(columns + step, 0, length - 1), columns), weight)
    return matrix
