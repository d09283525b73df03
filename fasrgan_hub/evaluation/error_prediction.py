"""How well a doubt about every pixel predicts its error: rank correlation, sparsification curve, AUSE.

Rank correlation (Spearman): 1 is the right order, 0 chance; no calibration of the doubt changes it. A sparsification
curve is the mean error of the pixels left when the most doubtful are taken away, relative to the mean error of all;
the oracle takes them by the true error. AUSE is the area between a curve and the oracle's, divided by that of a
random order: 0 is the oracle, 1 chance, more misleads.
"""

import numpy as np

FRACTIONS = np.linspace(0, 0.99, 100)
"""Shares of the pixels that a sparsification curve takes away."""


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation of two arrays of one size, ties at their mean rank; 0 if one is constant."""
    a, b = _ranks(x), _ranks(y)
    a, b = a - a.mean(), b - b.mean()
    spread = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / spread) if spread else 0.0


def partial_correlation(xy: float, xz: float, yz: float) -> float:
    """The correlation of x and y with z held, from the three pairwise ones; 0 where z explains x or y wholly."""
    room = (1 - xz**2) * (1 - yz**2)
    return (xy - xz * yz) / room**0.5 if room > 1e-12 else 0.0


def sparsification(error: np.ndarray, doubt: np.ndarray) -> np.ndarray:
    """(100,): the mean error without the share `FRACTIONS` of highest doubt, divided by the mean error of all.

    Pixels of equal doubt go in an order that does not depend on the error. All ones where there is no error.
    """
    shuffled = np.random.default_rng(0).permutation(error.size)
    error, doubt = error.ravel()[shuffled].astype(np.float64), doubt.ravel()[shuffled]
    kept = np.cumsum(error[np.argsort(doubt, kind="stable")])
    counts = np.maximum(1, np.rint((1 - FRACTIONS) * error.size).astype(int))
    return kept[counts - 1] / counts / (kept[-1] / error.size) if kept[-1] else np.ones(FRACTIONS.size)


def ause(curve: np.ndarray, oracle: np.ndarray) -> float:
    """Area between a sparsification curve and the oracle's, over that of a random order; 0 without any error."""
    room = float((1 - oracle).sum())
    return float((curve - oracle).sum()) / room if room else 0.0


def auc(x: np.ndarray, y: np.ndarray) -> float:
    """Probability that a value of x is larger than one of y; equal ones count half. The area under the ROC curve."""
    ranks = _ranks(np.concatenate((x, y)))[: x.size]
    return float((ranks.sum() - x.size * (x.size + 1) / 2) / (x.size * y.size))


def _ranks(x: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse.ravel()]
