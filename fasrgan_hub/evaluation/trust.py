"""Does the score map tell the truth? How well 1 - M, the discriminator's doubt, predicts where a result is wrong.

The true error of a pixel is |SR - HR|, its mean over the three channels. Error and predictors are averaged over
windows of the same size before they are compared: a single pixel's error is mostly noise. Two predictors that
know nothing of the discriminator are the baselines: the gradient magnitude of the result, and |SR - bicubic|.

Rank correlation (Spearman) asks whether the order is right: 1 is perfect, 0 chance; no calibration of M changes
it. Doubt and error both grow with contrast; what the map knows beyond that is its partial rank correlation with the
error, the gradient held. A sparsification curve shows the mean error of what is left when the most doubtful pixels
are taken away, relative to the mean error of all; the oracle takes them by the true error. AUSE is the area between
a predictor's curve and the oracle's, divided by that of a random order: 0 is the oracle, 1 chance, more misleads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from ..errors import UserError
from ..hub.model_files import DEFAULT_MODEL
from ..images.bicubic import resize
from ..metrics.pixels import luma, size_of
from ..upscaling.score_map import ScoreMapPredictor
from ..upscaling.upscaler import Upscaler
from .pairs import images, pair
from .scoring import SCALE, make_lr, read_rgb8

PREDICTORS = ("map", "gradient", "bicubic")
"""1 - M; the gradient magnitude of the result's Y; |SR - bicubic|, its mean over the channels."""
SINGLE = ("beyond", "score", "true_score", "told_apart")
"""The fields of `ImageTrust` that are one number."""
WINDOW = 8
FRACTIONS = np.linspace(0, 0.99, 100)
"""Shares of the pixels that a sparsification curve takes away."""


@dataclass(frozen=True)
class ImageTrust:
    """What came out for one image.

    Args:
        rank: Spearman's correlation with the true error, by predictor; 0 where one of the two is constant.
        beyond: the map's partial rank correlation with the true error, the gradient held.
        ause: area under the sparsification error by predictor, 0 the oracle, 1 chance.
        curves: (100,) relative error left at `FRACTIONS`, by predictor and for "oracle".
        score, true_score: the mean of the map of the result, and of the original.
        told_apart: probability that a window of the original has a higher score than one of the result; 0.5 means
            that the discriminator cannot tell them apart, and its map means nothing.
    """

    rank: dict[str, float]
    beyond: float
    ause: dict[str, float]
    curves: dict[str, np.ndarray]
    score: float
    true_score: float
    told_apart: float


@dataclass(frozen=True)
class Sample:
    """An image with its map and its true error, for looking at: (H, W, 3) uint8, (H, W) in [0, 1], (H, W) in 0-255."""

    name: str
    result: np.ndarray
    values: np.ndarray
    error: np.ndarray


@dataclass(frozen=True)
class TrustReport:
    """The images by name, the window in pixels, and the image whose map has the lowest rank correlation."""

    images: dict[str, ImageTrust]
    window: int
    worst: Sample

    def mean(self, field: str, predictor: str | None = None) -> float:
        """The mean over the images of a field of `ImageTrust`, of one predictor where it has several."""
        values = [getattr(image, field) for image in self.images.values()]
        return float(np.mean([value[predictor] if predictor else value for value in values]))

    def curve(self, name: str) -> np.ndarray:
        """The mean sparsification curve, (100,), of a predictor or "oracle"."""
        return np.mean([image.curves[name] for image in self.images.values()], axis=0)

    def table(self) -> str:
        """Aligned text: rank correlation and AUSE of every predictor, a line for each image and the mean."""
        head = ["image", *(f"rank {p}" for p in PREDICTORS), *(f"AUSE {p}" for p in PREDICTORS)]
        rows = [[*head, "beyond", "M(SR)", "M(HR)", "told apart"]]
        for name, image in self.images.items():
            numbers = [*image.rank.values(), *image.ause.values()]
            rows.append([name, *_digits(*numbers, *(getattr(image, field) for field in SINGLE))])
        means = [self.mean(field, predictor) for field in ("rank", "ause") for predictor in PREDICTORS]
        rows.append(["mean", *_digits(*means, *map(self.mean, SINGLE))])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]) for name, *cells in rows
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON: window, the means, and every image's numbers without the curves."""

        def numbers(image: ImageTrust) -> dict[str, Any]:
            return {name: value for name, value in vars(image).items() if name != "curves"}

        return {
            "window": self.window,
            "rank": {predictor: self.mean("rank", predictor) for predictor in PREDICTORS},
            "ause": {predictor: self.mean("ause", predictor) for predictor in PREDICTORS},
            **{name: self.mean(name) for name in SINGLE},
            "images": [{"name": name, **numbers(image)} for name, image in self.images.items()],
        }


def trust(
    model: str | Path | nn.Module = DEFAULT_MODEL,
    *,
    hr: str | Path,
    lr: str | Path | None = None,
    judge: str | Path | ScoreMapPredictor | None = None,
    window: int = WINDOW,
    border: int = 4,
    progress: bool = False,
) -> TrustReport:
    """Compare a model's score map with the true error of its results.

    Args:
        model: what enlarges: a name, folder or Hub id, "bicubic", or a module.
        hr, lr: the originals and the model's input, as for `evaluate`.
        judge: whose discriminator is asked (default: the model's own).
        window: side in pixels of the windows over which error and predictors are averaged; 1 compares pixels.
        border: pixels left out at every side.
        progress: show a bar on standard error.

    Raises UserError for what cannot be found, read, paired or compared, and a discriminator without a map.
    """
    if isinstance(model, nn.Module) and judge is None:
        raise UserError("a module comes without a discriminator; say whose discriminator judges with judge=")
    judged = judge if isinstance(judge, ScoreMapPredictor) else ScoreMapPredictor(judge or model)  # type: ignore[arg-type]
    upscaler = Upscaler(model)
    files = pair(Path(hr), Path(lr)) if lr else [(path, None) for path in images(Path(hr))]
    by_image: dict[str, ImageTrust] = {}
    worst: Sample | None = None
    for original, small in tqdm(files, disable=not progress, unit="image"):
        truth = read_rgb8(original)
        inputs = make_lr(truth) if small is None else read_rgb8(small)
        result, plain = upscaler(inputs), _bicubic(inputs)
        height, width = (min(sides) for sides in zip(result.shape[:2], truth.shape[:2], strict=True))
        if min(height, width) < window + 2 * border:
            raise UserError(f"{original.name}: {size_of(result)} pixels are too few for windows of {window}")
        result, plain, truth = (image[:height, :width] for image in (result, plain, truth))
        scores, true_scores = judged(result), judged(truth)
        error = np.abs(result.astype(np.float32) - truth).mean(axis=2)
        predictors = (1 - scores.values, _gradient(result), np.abs(result - plain).mean(axis=2))
        averaged = _averages(window, border)
        of_image = _compare(
            averaged(error),
            dict(zip(PREDICTORS, map(averaged, predictors), strict=True)),
            averaged(1 - true_scores.values),
            (scores.score, true_scores.score),
        )
        if worst is None or of_image.rank["map"] <= min(seen.rank["map"] for seen in by_image.values()):
            worst = Sample(original.stem, result, scores.values, error)
        by_image[original.stem] = of_image
    assert worst is not None
    return TrustReport(by_image, window, worst)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation of two arrays of one size, ties at their mean rank; 0 if one is constant."""
    a, b = _ranks(x), _ranks(y)
    a, b = a - a.mean(), b - b.mean()
    spread = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / spread) if spread else 0.0


def partial(xy: float, xz: float, yz: float) -> float:
    """The correlation of x and y with z held, from the three of each two; 0 where z explains one of them wholly."""
    room = (1 - xz**2) * (1 - yz**2)
    return (xy - xz * yz) / room**0.5 if room > 1e-12 else 0.0


def sparsification(error: np.ndarray, doubt: np.ndarray) -> np.ndarray:
    """(100,): the mean error without the share `FRACTIONS` of highest doubt, divided by the mean error of all.

    Pixels of equal doubt go in an order that has nothing to do with the error. All ones where there is no error.
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


def _compare(
    error: np.ndarray, predictors: dict[str, np.ndarray], true_doubt: np.ndarray, scores: tuple[float, float]
) -> ImageTrust:
    curves = {name: sparsification(error, doubt) for name, doubt in predictors.items()}
    oracle = sparsification(error, error)
    rank = {name: spearman(doubt, error) for name, doubt in predictors.items()}
    map_and_gradient = spearman(predictors["map"], predictors["gradient"])
    return ImageTrust(
        rank=rank,
        beyond=partial(rank["map"], map_and_gradient, rank["gradient"]),
        ause={name: ause(curve, oracle) for name, curve in curves.items()},
        curves=curves | {"oracle": oracle},
        score=scores[0],
        true_score=scores[1],
        told_apart=_probability_of_more(predictors["map"], true_doubt),
    )


def _averages(window: int, border: int) -> Callable[[np.ndarray], np.ndarray]:
    """(H, W) -> the mean of every window that fits inside the border, flat."""

    def averaged(x: np.ndarray) -> np.ndarray:
        inner = x[border : x.shape[0] - border, border : x.shape[1] - border].astype(np.float32)
        return F.avg_pool2d(torch.from_numpy(inner)[None], window, stride=1).flatten().numpy()

    return averaged


def _gradient(image: np.ndarray) -> np.ndarray:
    return np.hypot(*np.gradient(luma(image)))


def _bicubic(image: np.ndarray) -> np.ndarray:
    """H x W x 3 uint8 -> 4H x 4W x 3 float32 in [0, 255]."""
    x = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 255)
    return (resize(x, SCALE).clamp(0, 1) * 255).permute(1, 2, 0).numpy()


def _ranks(x: np.ndarray) -> np.ndarray:
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse.ravel()]


def _probability_of_more(x: np.ndarray, y: np.ndarray) -> float:
    """How likely a value of x is larger than one of y; equal ones count half."""
    ranks = _ranks(np.concatenate((x, y)))[: x.size]
    return float((ranks.sum() - x.size * (x.size + 1) / 2) / (x.size * y.size))


def _digits(*numbers: float) -> list[str]:
    return [f"{number:.3f}" for number in numbers]
