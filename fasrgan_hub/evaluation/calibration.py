"""Whether an expected error is the true one: pixels in ten bins of what was predicted for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

EDGES = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""Gray levels between the ten bins."""
COMMON = 0.05
"""Share of the pixels from which on a bin counts."""


@dataclass(frozen=True)
class Calibration:
    """Sums over the pixels, or windows, of one image or several.

    Args:
        counts: (10,) in each bin of the prediction.
        predicted, true: (10,) the sums of prediction and error in it.
        likely, off: how many pixels are expected to be off by more than so many gray levels, and how many are.
        pixels: of the images.
    """

    counts: np.ndarray
    predicted: np.ndarray
    true: np.ndarray
    likely: float
    off: float
    pixels: int

    @classmethod
    def of(cls, predicted: np.ndarray, error: np.ndarray, likely: float, off: np.ndarray) -> "Calibration":
        """Of flat arrays of one size; `likely` is the share of the pixels, and `off` says of each whether it is."""
        bins = np.digitize(predicted, EDGES)
        counts, sums, errors = (
            np.bincount(bins, weights, len(EDGES) + 1) for weights in (None, predicted, error)
        )
        return cls(counts, sums, errors, likely * off.size, float(off.sum()), off.size)

    @classmethod
    def total(cls, parts: Iterable["Calibration"]) -> "Calibration":
        """Of all pixels of several images together."""
        return cls(*(sum(values) for values in zip(*(vars(part).values() for part in parts), strict=True)))

    @property
    def shares(self) -> np.ndarray:
        """(10,): of the pixels in each bin."""
        return self.counts / self.counts.sum()

    @property
    def ratios(self) -> np.ndarray:
        """(10,): true error to predicted error in each bin, NaN in empty ones."""
        return np.divide(self.true, self.predicted, np.full(len(self.true), np.nan), where=self.predicted > 0)

    @property
    def worst(self) -> float:
        """How far the farthest ratio of a bin with `COMMON` of the pixels is from 1."""
        return float(np.abs(self.ratios[self.shares >= COMMON] - 1).max())

    def to_dict(self) -> dict[str, Any]:
        """For JSON: edges, and by bin the share of the pixels, the predicted and the true mean error."""
        means = {
            name: [
                float(part / count) if count else None for part, count in zip(sums, self.counts, strict=True)
            ]
            for name, sums in (("predicted", self.predicted), ("true", self.true))
        }
        shares = {"likely": self.likely / self.pixels, "off": self.off / self.pixels}
        return {"edges": list(EDGES), "share": self.shares.tolist(), **means, **shares, "worst": self.worst}
