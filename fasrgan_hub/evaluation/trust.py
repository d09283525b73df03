"""How far the maps of a model's results can be trusted: how well each predicts where a result is wrong.

The true error of a pixel is |SR - HR|, its mean over the three channels. Error and predictors are averaged over
windows of the same size before they are compared: a single pixel's error is mostly noise. Predictors without a
network are the baselines: gradient magnitude and local contrast of the result, and |SR - bicubic|. The measures are
those of `error_prediction`. Most predictors and the error grow with contrast: the partial rank correlation with the
error, the gradient held, shows what a predictor knows beyond that.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from ..data.pairs import images, pair
from ..errors import NetworkError, UserError
from ..hub.model_files import DEFAULT_MODEL
from ..images.bicubic import resize
from ..metrics.pixels import luma, size_of
from ..upscaling.maps import KINDS, MUCH, ErrorMap, check_kinds
from ..upscaling.score_map import ScoreMapPredictor
from ..upscaling.upscaler import Upscaler
from .calibration import Calibration
from .error_prediction import auc, ause, partial_correlation, sparsification, spearman
from .image_pairs import make_lr, read_rgb8, require_similar_sizes

BASELINES = ("gradient", "contrast", "bicubic")
"""Gradient magnitude of the result's Y; its standard deviation in 5 x 5 pixels; |SR - bicubic|."""
WINDOW = 8
BORDER = 4
"""Pixels left out at every side."""
MEASURES = ("rank", "ause", "partial_rank")
"""The fields of `Measures` that are numbers."""


@dataclass(frozen=True)
class Measures:
    """What a predictor is worth on one image.

    Args:
        rank: Spearman's correlation with the true error; 0 where one of the two is constant.
        ause: area under the sparsification error, 0 the oracle, 1 chance.
        partial_rank: the partial rank correlation with the true error, the gradient held; 0 for the gradient.
        curve: (100,) relative error left at `error_prediction.FRACTIONS`.
    """

    rank: float
    ause: float
    partial_rank: float
    curve: np.ndarray


@dataclass(frozen=True)
class Separation:
    """What the discriminator says of the result and of the original.

    Args:
        score, true_score: the mean of the map of the result, and of the original.
        auc: probability that a window of the original has a higher score than one of the result; at 0.5 the
            discriminator cannot tell them apart, and its map means nothing.
    """

    score: float
    true_score: float
    auc: float


@dataclass(frozen=True)
class ImageTrust:
    """The measures of one image: by predictor; the oracle's curve; and what some kinds of maps alone have."""

    measures: dict[str, Measures]
    oracle: np.ndarray
    calibration: Calibration | None = None
    separation: Separation | None = None


@dataclass(frozen=True)
class Sample:
    """An image with its maps and its true error: (H, W, 3) uint8, maps by kind, (H, W) in [0, 255]."""

    name: str
    result: np.ndarray
    maps: dict[str, Any]
    error: np.ndarray


@dataclass(frozen=True)
class TrustReport:
    """The images by name, the window in pixels, and the image whose first map has the lowest rank correlation."""

    images: dict[str, ImageTrust]
    window: int
    worst: Sample

    @property
    def predictors(self) -> tuple[str, ...]:
        """The kinds of maps, then the baselines."""
        return tuple(next(iter(self.images.values())).measures)

    def mean(self, field: str, predictor: str) -> float:
        """The mean over the images of a field of `Measures`, or of `Separation` for "generated"."""
        return float(np.mean([_value(image, field, predictor) for image in self.images.values()]))

    def curve(self, name: str) -> np.ndarray:
        """The mean sparsification curve, (100,), of a predictor or "oracle"."""
        curves = [
            image.oracle if name == "oracle" else image.measures[name].curve for image in self.images.values()
        ]
        return np.mean(curves, axis=0)

    @property
    def calibration(self) -> Calibration | None:
        """Of all windows of all images, None without the error map."""
        parts = [image.calibration for image in self.images.values() if image.calibration is not None]
        return Calibration.total(parts) if parts else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON: window, the means by predictor, calibration, and every image's numbers without the curves."""

        def numbers(image: ImageTrust) -> dict[str, Any]:
            separation = {"separation": vars(image.separation)} if image.separation else {}
            by_name = {
                name: {field: getattr(each, field) for field in MEASURES}
                for name, each in image.measures.items()
            }
            return {**by_name, **separation}

        means = {name: {field: self.mean(field, name) for field in MEASURES} for name in self.predictors}
        calibration = self.calibration
        return {
            "window": self.window,
            **means,
            **({"calibration": calibration.to_dict()} if calibration else {}),
            "images": [{"name": name, **numbers(image)} for name, image in self.images.items()],
        }


def _value(image: ImageTrust, field: str, predictor: str) -> float:
    owner = image.measures[predictor] if field in MEASURES else image.separation
    return float(getattr(owner, field))


def trust(
    model: str | Path | nn.Module | Upscaler = DEFAULT_MODEL,
    *,
    hr: str | Path,
    lr: str | Path | None = None,
    kinds: Sequence[str] | None = None,
    discriminator: str | Path | ScoreMapPredictor | None = None,
    window: int = WINDOW,
    progress: bool = False,
) -> TrustReport:
    """Compare the maps of a model's results with their true error.

    Args:
        model: what enlarges: a name, folder or Hub id, "bicubic", a module, or an Upscaler.
        hr, lr: the originals and the model's input, as for `evaluate`.
        kinds: of `Upscaler.maps`; default those that the model has.
        discriminator: the model whose discriminator makes the map `generated` (default: `model`).
        window: side in pixels of the windows over which error and predictors are averaged; 1 compares pixels.
        progress: show a bar on standard error.

    Raises UserError for what cannot be opened, read, paired or compared, and a model without any map.
    """
    upscaler = model if isinstance(model, Upscaler) else Upscaler(model)
    if discriminator is not None:
        if not isinstance(discriminator, ScoreMapPredictor):
            discriminator = ScoreMapPredictor(discriminator)
        upscaler = copy(upscaler)
        upscaler.predictor = discriminator
    kinds = _available(upscaler, kinds)
    files = pair(Path(hr), Path(lr)) if lr else [(path, None) for path in images(Path(hr))]
    by_image: dict[str, ImageTrust] = {}
    worst: Sample | None = None
    for hr_path, lr_path in tqdm(files, disable=not progress, unit="image"):
        truth = read_rgb8(hr_path)
        inputs = make_lr(truth, upscaler.model_scale) if lr_path is None else read_rgb8(lr_path)
        measured, sample = _measure(hr_path.stem, inputs, truth, upscaler, kinds, window)
        ranks = [image.measures[kinds[0]].rank for image in by_image.values()]
        if worst is None or measured.measures[kinds[0]].rank <= min(ranks):
            worst = sample
        by_image[hr_path.stem] = measured
    assert worst is not None
    return TrustReport(by_image, window, worst)


def _available(upscaler: Upscaler, kinds: Sequence[str] | None) -> Sequence[str]:
    """The kinds that are asked for, or those that the model has."""
    available = []
    for kind in check_kinds(kinds):
        try:
            upscaler.check_map(kind)
        except NetworkError:
            raise
        except UserError:
            if kinds is not None:
                raise
        else:
            available.append(kind)
    if not available:
        raise UserError(
            f"this model has no maps: {', '.join(KINDS)}; name a model that has one, or --discriminator"
        )
    return available


def _measure(
    name: str,
    inputs: np.ndarray,
    truth: np.ndarray,
    upscaler: Upscaler,
    kinds: Sequence[str],
    window: int,
) -> tuple[ImageTrust, Sample]:
    """Enlarge one image and compare the predictors with its error."""
    result = upscaler(inputs)
    require_similar_sizes(result, truth)
    height, width = (min(sides) for sides in zip(result.shape[:2], truth.shape[:2], strict=True))
    if min(height, width) < window + 2 * BORDER:
        raise UserError(f"{name}: {size_of(result)} pixels are too few for windows of {window}")
    maps = upscaler.maps(inputs, kinds, result)
    error = np.abs(result[:height, :width].astype(np.float32) - truth[:height, :width]).mean(axis=2)

    def average(x: np.ndarray) -> np.ndarray:
        """(H, W) -> the mean of every window that fits inside the border, flat."""
        inner = x[BORDER : height - BORDER, BORDER : width - BORDER].astype(np.float32)
        return F.avg_pool2d(torch.from_numpy(inner)[None], window, stride=1).flatten().numpy()

    doubts = {kind: 1 - each.values if kind == "generated" else each.values for kind, each in maps.items()}
    averaged = {key: average(doubt) for key, doubt in (doubts | _baselines(inputs, result)).items()}
    errors = average(error)
    oracle = sparsification(errors, errors)
    calibration = None
    if isinstance(expected := maps.get("error"), ErrorMap):
        likely = ErrorMap(expected.values[:height, :width]).share_above(MUCH)
        calibration = Calibration.of(averaged["error"], errors, likely, error > MUCH)
    separation = None
    if "generated" in maps:
        original = upscaler.predictor(truth[:height, :width])
        area = auc(averaged["generated"], average(1 - original.values))
        separation = Separation(maps["generated"].number, original.score, area)
    measured = ImageTrust(_compare(averaged, errors, oracle), oracle, calibration, separation)
    return measured, Sample(name, result[:height, :width], maps, error)


def _compare(predictors: dict[str, np.ndarray], error: np.ndarray, oracle: np.ndarray) -> dict[str, Measures]:
    """The measures of flat predictors against the error."""
    ranks = {key: spearman(x, error) for key, x in predictors.items()}
    held = predictors["gradient"]
    measures = {}
    for key, x in predictors.items():
        partial = (
            0.0
            if key == "gradient"
            else partial_correlation(ranks[key], spearman(x, held), ranks["gradient"])
        )
        curve = sparsification(error, x)
        measures[key] = Measures(ranks[key], ause(curve, oracle), partial, curve)
    return measures


def _baselines(image: np.ndarray, result: np.ndarray) -> dict[str, np.ndarray]:
    """`BASELINES`, each (H, W) of the result."""
    y = luma(result)
    small = torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 255)
    scale = (result.shape[0] / image.shape[0], result.shape[1] / image.shape[1])
    bicubic = (resize(small, scale).clamp(0, 1) * 255).permute(1, 2, 0).numpy()
    return {
        "gradient": np.hypot(*np.gradient(y)),
        "contrast": _local_deviation(y),
        "bicubic": np.abs(result - bicubic).mean(axis=2),
    }


def _local_deviation(y: np.ndarray, side: int = 5) -> np.ndarray:
    """The standard deviation in squares of `side` pixels around each pixel, (H, W)."""
    x = torch.from_numpy(y)[None]
    mean, square = (F.avg_pool2d(each, side, 1, side // 2, count_include_pad=False) for each in (x, x * x))
    return (square - mean**2).clamp(min=0).sqrt()[0].numpy()
