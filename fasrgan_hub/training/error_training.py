"""Training of a model's error estimator: on photographs, with the model's own results, clean and degraded.

The loss of a prediction m for an error e is log m + e / m, the exponential distribution's. It is least where m is the
mean of e, and relative: an error of twice the prediction costs the same on even areas and on edges. Both are averaged
over the cells of the result first, since the errors of neighbors depend on one another. Some photographs are kept out
of training; on them the map is calibrated, with the same loss.
"""

import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.cropping import Cropper, TrainingImage, Turn
from ..data.crops import decode_rgb
from ..data.degradations import Mixture
from ..data.sources import list_shards
from ..errors import UserError
from ..evaluation.cards import record_section
from ..hub.model_files import DIFFICULTY, model_files
from ..hub.transfer import CARD
from ..images.atomic import make_folder
from ..models.error_estimator import ErrorEstimator
from ..upscaling.maps import MUCH, ErrorMap
from ..upscaling.upscaler import Upscaler

CROP = 52
"""Side in pixels of the small crops that the model enlarges."""
MARGIN = 2
"""Pixels of the small crops that do not count: their surroundings are missing."""
PART = 28
"""Side in pixels of the small image of what a training step sees of a crop."""
KEPT_OUT = 8
"""Every so many photographs one is for the calibration."""
SMALLEST = 0.5
"""Gray levels that are added to prediction and error in the loss: rounding alone is a quarter of a level."""

REPORT = 100
"""Steps between two lines about the progress."""

SECTION = """`difficulty/` predicts how many gray levels each pixel of a result is likely to be off. It learned from
photographs and this model's own results of them, clean and degraded (`fasrgan train-error`). In {learned}."""

Enlarge = Callable[[np.ndarray], np.ndarray]
Notify = Callable[[str], None]


@dataclass(frozen=True)
class ErrorTraining:
    """How an estimator is trained.

    Args:
        steps: of Adam.
        crops: to cut from the photographs in all.
        batch: parts of crops in one step.
        learning_rate: the highest; it rises and falls in one cycle.
        degradation: how the small images are made.
        seed: of everything that is drawn.
    """

    steps: int
    crops: int
    degradation: Mixture
    batch: int = 16
    learning_rate: float = 3e-3
    seed: int = 0


@dataclass(frozen=True)
class Examples:
    """Crops (N, 3, H, W) uint8: small images, their results, and the originals."""

    small: Tensor
    result: Tensor
    original: Tensor

    def batch(self, index: Any, rows: slice, columns: slice, scale: int) -> tuple[Tensor, Tensor, Tensor]:
        """Parts of the crops at `index`, whose place is that in the small image: result, small image, error."""
        large = (slice(each.start * scale, each.stop * scale) for each in (rows, columns))
        down, across = large
        small = self.small[index][:, :, rows, columns].float() / 255
        result = self.result[index][:, :, down, across].float()
        original = self.original[index][:, :, down, across].float()
        return result / 255, small, (result - original).abs().mean(dim=1, keepdim=True)


def train_error_map(
    model: str | Path,
    source: str,
    output: str | Path,
    options: ErrorTraining,
    revision: str | None = None,
    notify: Notify = print,
) -> ErrorEstimator:
    """Train an estimator for a model and write it into the folder `output`/difficulty, with a section in the card.

    Args:
        model: a bundled name, a folder or a Hub id; usually the one that lies in `output`.
        source: the photographs, as for training; see `data.sources.open_source`.
        options: see `ErrorTraining`.
        revision: of a Hub id.
        notify: called with lines about the progress.

    Raises UserError for a model or a source that cannot be used, and a folder that cannot be written.
    """
    upscaler = Upscaler(model_files(model, revision=revision))
    make_folder(Path(output))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        estimator = ErrorEstimator(upscaler.model_scale)
    learned = train_estimator(upscaler, estimator, source, options, notify)
    estimator.save_pretrained(Path(output, DIFFICULTY))
    Path(output, DIFFICULTY, CARD).unlink(missing_ok=True)
    record_section(output, "Error map", SECTION.format(learned=learned))
    notify(f"in {learned}")
    return estimator


def train_estimator(
    enlarge: Enlarge, estimator: ErrorEstimator, source: str, options: ErrorTraining, notify: Notify = print
) -> str:
    """Train an estimator in place, and say how it does on the photographs that were kept out.

    Args:
        enlarge: the model, (h, w, 3) uint8 -> (sh, sw, 3) uint8.
        estimator: with random weights.
        source, options, notify: as in `train_error_map`.

    Raises UserError for a source without at least two photographs that are large enough.
    """
    images = list(_read_images(source, options, estimator.scale))
    held, used = images[::KEPT_OUT], [image for at, image in enumerate(images) if at % KEPT_OUT]
    if not used:
        raise UserError(
            f"'{source}' has {len(images)} photographs of {CROP * estimator.scale} pixels and more a side; "
            "at least 2 are needed"
        )
    notify(f"enlarging crops of {len(used)} photographs, and of {len(held)} for the calibration")
    examples = _make_examples(enlarge, used, options, estimator.scale, options.crops)
    others = _make_examples(enlarge, held, options, estimator.scale, max(1, options.crops // KEPT_OUT))
    _fit(estimator.train(), examples, options, notify)
    return _calibrate(estimator.eval(), others)


def expected_loss(predicted: Tensor, error: Tensor) -> Tensor:
    """The mean of log m + e / m, both with `SMALLEST` added."""
    m, e = predicted + SMALLEST, error + SMALLEST
    return (m.log() + e / m).mean()


def _read_images(source: str, options: ErrorTraining, scale: int) -> Iterator[TrainingImage]:
    """The photographs that are used, in an order that the seed decides; no more than there are crops."""
    shards = list_shards(source)
    order = np.random.default_rng(options.seed).permutation(len(shards))
    for index in order[: options.crops]:
        for row in shards[index].rows():
            try:
                hr = decode_rgb(row["read"]())
            except OSError as error:
                warnings.warn(f"skipped {row['name']}: {error}", stacklevel=2)
                continue
            if min(hr.shape[:2]) >= CROP * scale:
                yield TrainingImage(row["name"], hr, None)


def _make_examples(
    enlarge: Enlarge, images: list[TrainingImage], options: ErrorTraining, scale: int, count: int
) -> Examples:
    """`count` crops, as many of each photograph as of the others, and what the model makes of them."""
    cropper = Cropper(CROP * scale, scale, 1, options.degradation)
    crops: list[list[Tensor]] = []
    for number in range(count):
        turn, place = divmod(number, len(images))
        image = images[place]
        rng = np.random.default_rng([options.seed, zlib.crc32(image.name.encode()), turn])
        pair = cropper.cut(image, rng)
        small, original = ((255 * pair[key]).round().byte() for key in ("lr", "hr"))
        result = enlarge(small.permute(1, 2, 0).contiguous().numpy())
        crops.append([small, torch.from_numpy(result).permute(2, 0, 1), original])
    return Examples(*map(torch.stack, zip(*crops, strict=True)))


def _fit(estimator: ErrorEstimator, examples: Examples, options: ErrorTraining, notify: Notify) -> None:
    """Adam on random parts of the crops, turned at random."""
    rng = np.random.default_rng(options.seed)
    optimizer = torch.optim.Adam(estimator.parameters(), options.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.learning_rate, options.steps)
    average = 0.0
    for step in range(1, options.steps + 1):
        index = rng.integers(len(examples.small), size=options.batch)
        top, left = (int(place) for place in rng.integers(CROP - PART + 1, size=2))
        rows, columns = slice(top, top + PART), slice(left, left + PART)
        parts = examples.batch(index, rows, columns, estimator.scale)
        turn = Turn(*(rng.random(3) < 0.5))
        result, small, error = (turn.of(part) for part in parts)
        loss = _loss(estimator, estimator.raw(result, small), error)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(estimator.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average += loss.item()
        if step % REPORT == 0:
            notify(f"step {step} of {options.steps}: loss {average / REPORT:.4f}")
            average = 0.0


def _loss(estimator: ErrorEstimator, predicted: Tensor, error: Tensor) -> Tensor:
    """The loss over cells, without those at the border."""
    margin = MARGIN * estimator.scale
    inner = (F.avg_pool2d(x[..., margin:-margin, margin:-margin], estimator.cell) for x in (predicted, error))
    return expected_loss(*inner)


def _calibrate(estimator: ErrorEstimator, examples: Examples) -> str:
    """Set the slopes of the calibration, and say what was predicted and what was true after it."""
    raw, error = _predict(estimator, examples)
    logarithms = torch.zeros_like(estimator.slopes, requires_grad=True)
    optimizer = torch.optim.LBFGS([logarithms], max_iter=50, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        estimator.slopes = logarithms.exp()
        value = expected_loss(estimator.calibrated(raw), error)
        value.backward()
        return value

    optimizer.step(loss)
    estimator.slopes = logarithms.detach().exp()
    predicted = estimator.calibrated(raw)
    likely, off = ErrorMap(predicted.numpy()).share_above(MUCH), float((error > MUCH).float().mean())
    return (
        f"{len(raw)} crops that it did not learn from, {predicted.mean():.2f} gray levels were predicted and "
        f"{error.mean():.2f} true; of the pixels {likely:.1%} were likely off by more than {MUCH:g}, and {off:.1%} were"
    )


@torch.no_grad()
def _predict(estimator: ErrorEstimator, examples: Examples) -> tuple[Tensor, Tensor]:
    """The map before calibration and the true error of all crops without their borders, both (N, 1, H, W)."""
    whole, margin = slice(0, CROP), MARGIN * estimator.scale
    inner = slice(margin, CROP * estimator.scale - margin)
    raws, errors = [], []
    for index in range(len(examples.small)):
        result, small, error = examples.batch([index], whole, whole, estimator.scale)
        raws.append(estimator.raw(result, small)[..., inner, inner])
        errors.append(error[..., inner, inner])
    return torch.cat(raws), torch.cat(errors)
