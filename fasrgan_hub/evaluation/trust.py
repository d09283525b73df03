"""How far a score map can be trusted: how well 1 - M, the discriminator's doubt, predicts where a result is wrong.

The true error of a pixel is |SR - HR|, its mean over the three channels. Error and predictors are averaged over
windows of the same size before they are compared: a single pixel's error is mostly noise. Two predictors without
a discriminator are the baselines: the gradient magnitude of the result, and |SR - bicubic|. The measures are those
of `error_prediction`. Doubt and error both grow with contrast: the map's partial rank correlation with the error,
the gradient held, shows what the map knows beyond that.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tabulate import tabulate
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from ..data.pairs import images, pair
from ..errors import UserError
from ..hub.model_files import DEFAULT_MODEL
from ..images.bicubic import resize
from ..metrics.pixels import luma, size_of
from ..upscaling.score_map import ScoreMapPredictor
from ..upscaling.upscaler import Upscaler
from .error_prediction import auc, ause, partial_correlation, sparsification, spearman
from .image_pairs import make_lr, read_rgb8

PREDICTORS = ("map", "gradient", "bicubic")
"""1 - M; the gradient magnitude of the result's Y; |SR - bicubic|, its mean over the channels."""
SINGLE = {"partial_rank": "partial rank", "score": "M(SR)", "true_score": "M(HR)", "auc": "AUC"}
"""The fields of `ImageTrust` that are one number, with their labels."""
WINDOW = 8
BORDER = 4
"""Pixels left out at every side."""


@dataclass(frozen=True)
class ImageTrust:
    """The measures of one image.

    Args:
        rank: Spearman's correlation with the true error, by predictor; 0 where one of the two is constant.
        partial_rank: the map's partial rank correlation with the true error, the gradient held.
        ause: area under the sparsification error by predictor, 0 the oracle, 1 chance.
        curves: (100,) relative error left at `FRACTIONS`, by predictor and for "oracle".
        score, true_score: the mean of the map of the result, and of the original.
        auc: probability that a window of the original has a higher score than one of the result; at 0.5 the
            discriminator cannot tell them apart, and its map means nothing.
    """

    rank: dict[str, float]
    partial_rank: float
    ause: dict[str, float]
    curves: dict[str, np.ndarray]
    score: float
    true_score: float
    auc: float


@dataclass(frozen=True)
class Sample:
    """An image with its map and its true error: (H, W, 3) uint8, (H, W) in [0, 1], (H, W) in [0, 255]."""

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
        head = [f"{measure} {predictor}" for measure in ("rank", "AUSE") for predictor in PREDICTORS]
        rows = [
            [name, *image.rank.values(), *image.ause.values(), *(getattr(image, field) for field in SINGLE)]
            for name, image in self.images.items()
        ]
        means = [self.mean(field, predictor) for field in ("rank", "ause") for predictor in PREDICTORS]
        rows.append(["mean", *means, *map(self.mean, SINGLE)])
        return tabulate(
            rows, ["image", *head, *SINGLE.values()], "plain", floatfmt=".3f", disable_numparse=[0]
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
    discriminator: str | Path | ScoreMapPredictor | None = None,
    window: int = WINDOW,
    progress: bool = False,
) -> TrustReport:
    """Compare a model's score map with the true error of its results.

    Args:
        model: what enlarges: a name, folder or Hub id, "bicubic", or a module.
        hr, lr: the originals and the model's input, as for `evaluate`.
        discriminator: the model whose discriminator makes the map (default: `model`).
        window: side in pixels of the windows over which error and predictors are averaged; 1 compares pixels.
        progress: show a bar on standard error.

    Raises UserError for what cannot be opened, read, paired or compared, and a discriminator without a map.
    """
    if isinstance(model, nn.Module) and discriminator is None:
        raise UserError(
            "a module comes without a discriminator; name a model that has one with discriminator="
        )
    predictor = discriminator
    if not isinstance(predictor, ScoreMapPredictor):
        predictor = ScoreMapPredictor(predictor or model)  # type: ignore[arg-type]
    upscaler = Upscaler(model)
    files = pair(Path(hr), Path(lr)) if lr else [(path, None) for path in images(Path(hr))]
    by_image: dict[str, ImageTrust] = {}
    worst: Sample | None = None
    for hr_path, lr_path in tqdm(files, disable=not progress, unit="image"):
        truth = read_rgb8(hr_path)
        inputs = make_lr(truth, upscaler.model_scale) if lr_path is None else read_rgb8(lr_path)
        measures, sample = _measure(hr_path.stem, inputs, truth, upscaler, predictor, window)
        if worst is None or measures.rank["map"] <= min(other.rank["map"] for other in by_image.values()):
            worst = sample
        by_image[hr_path.stem] = measures
    assert worst is not None
    return TrustReport(by_image, window, worst)


def _measure(
    name: str,
    inputs: np.ndarray,
    truth: np.ndarray,
    upscaler: Upscaler,
    predictor: ScoreMapPredictor,
    window: int,
) -> tuple[ImageTrust, Sample]:
    """Enlarge one image and compare the predictors with its error."""
    result, bicubic = upscaler(inputs), _bicubic(inputs, upscaler.model_scale)
    height, width = (min(sides) for sides in zip(result.shape[:2], truth.shape[:2], strict=True))
    if min(height, width) < window + 2 * BORDER:
        raise UserError(f"{name}: {size_of(result)} pixels are too few for windows of {window}")
    result, bicubic, truth = (image[:height, :width] for image in (result, bicubic, truth))
    scores, true_scores = predictor(result), predictor(truth)
    error = np.abs(result.astype(np.float32) - truth).mean(axis=2)

    def average(x: np.ndarray) -> np.ndarray:
        """(H, W) -> the mean of every window that fits inside the border, flat."""
        inner = x[BORDER : height - BORDER, BORDER : width - BORDER].astype(np.float32)
        return F.avg_pool2d(torch.from_numpy(inner)[None], window, stride=1).flatten().numpy()

    doubts = (1 - scores.values, np.hypot(*np.gradient(luma(result))), np.abs(result - bicubic).mean(axis=2))
    averaged = dict(zip(PREDICTORS, map(average, doubts), strict=True))
    error_of_windows = average(error)
    curves = {key: sparsification(error_of_windows, doubt) for key, doubt in averaged.items()}
    oracle = sparsification(error_of_windows, error_of_windows)
    rank = {key: spearman(doubt, error_of_windows) for key, doubt in averaged.items()}
    map_and_gradient = spearman(averaged["map"], averaged["gradient"])
    measures = ImageTrust(
        rank=rank,
        partial_rank=partial_correlation(rank["map"], map_and_gradient, rank["gradient"]),
        ause={key: ause(curve, oracle) for key, curve in curves.items()},
        curves=curves | {"oracle": oracle},
        score=scores.score,
        true_score=true_scores.score,
        auc=auc(averaged["map"], average(1 - true_scores.values)),
    )
    return measures, Sample(name, result, scores.values, error)


def _bicubic(image: np.ndarray, scale: int) -> np.ndarray:
    """H x W x 3 uint8 -> sH x sW x 3 float32 in [0, 255]."""
    x = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 255)
    return (resize(x, scale).clamp(0, 1) * 255).permute(1, 2, 0).numpy()
