"""Mean opinion scores (Section IV-C, Table II) out of the ratings that `fasrgan study` collects."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import UserError
from ..study.ratings import Rating, read_ratings

DRAWS = 2000


@dataclass(frozen=True)
class Opinion:
    """The mean score of a method and the interval that holds 95 % of its bootstrap means; n ratings."""

    mean: float
    low: float
    high: float
    n: int


def read_opinions(path: str | Path) -> list[Rating]:
    """The ratings of a .jsonl or .csv file, or of a folder of .jsonl files; UserError names the line that is none."""
    path = Path(path)
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    ratings = [rating for file in files for rating in read_ratings(file)]
    if not ratings:
        raise UserError(f"'{path}' holds no ratings")
    return ratings


def opinion_scores(ratings: Sequence[Rating], seed: int = 0) -> dict[str, Opinion]:
    """Method -> its mean opinion score, in the order in which methods appear.

    The interval comes from drawing raters, not single ratings: one rater's scores belong together. With a single
    rater it has no width.
    """
    rng = np.random.default_rng(seed)
    raters = list(dict.fromkeys(rating.rater for rating in ratings))
    draws = rng.integers(0, len(raters), (DRAWS, len(raters)))
    scores: dict[str, Opinion] = {}
    for method in dict.fromkeys(rating.method for rating in ratings):
        own = [(raters.index(rating.rater), rating.score) for rating in ratings if rating.method == method]
        places, values = zip(*own, strict=True)
        counts = np.bincount(places, minlength=len(raters))
        sums = np.bincount(places, values, minlength=len(raters))
        drawn = counts[draws].sum(axis=1)
        means = sums[draws].sum(axis=1)[drawn > 0] / drawn[drawn > 0]
        low, high = np.percentile(means, [2.5, 97.5])
        scores[method] = Opinion(sums.sum() / counts.sum(), float(low), float(high), int(counts.sum()))
    return scores


def agreement(ratings: Sequence[Rating]) -> float:
    """Krippendorff's alpha for interval data: 1 if raters agree, 0 if they might as well have drawn lots.

    Not a number where no result was rated twice, or all scores are the same. Krippendorff, "Computing Krippendorff's
    alpha-reliability", 2011.
    """
    units: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for rating in ratings:
        units[rating.study, rating.image, rating.method].append(rating.score)
    pairable = [np.array(scores, float) for scores in units.values() if len(scores) > 1]
    if not pairable:
        return float("nan")
    everything = np.concatenate(pairable)
    observed = sum(_disagreement(scores) / (len(scores) - 1) for scores in pairable) / len(everything)
    expected = _disagreement(everything) / (len(everything) * (len(everything) - 1))
    return float(1 - observed / expected) if expected else float("nan")


def _disagreement(scores: np.ndarray) -> float:
    """The sum of squared differences over all ordered pairs."""
    return float(2 * (len(scores) * (scores**2).sum() - scores.sum() ** 2))
