"""Training of a model's error estimator: on photographs, with the model's own results, clean and degraded.

The order of pixels is learned first, by the squared difference of logarithms, and with much noise on the cues: what was
learned from few photographs then holds for others. What is predicted is no mean yet. Some photographs are kept out of
that; on them the map is calibrated by log m + e / m for the prediction m and the error e. This loss, the exponential
distribution's, is least where m is the mean of e.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.degradations import Mixture
from ..errors import UserError
from ..evaluation.cards import record_section
from ..hub.model_files import DIFFICULTY, model_files
from ..hub.transfer import CARD
from ..images.atomic import make_folder
from ..images.bicubic import downscale
from ..models.error_estimator import ErrorEstimator, image_facts
from ..upscaling.maps import MUCH, ErrorMap
from ..upscaling.upscaler import Upscaler
from .error_examples import CROP, Enlarge, Examples, make_examples, read_images

MARGIN = 3
"""Cells at the border of a crop that do not count: their surroundings are missing."""
CELLS = 250
"""Cells of each crop that are learned from."""
NOISE, DAMAGE_NOISE = 1.0, 0.3
"""Standard deviations of what is added to the cues of a cell and to the facts of an image, whose own is 1."""
DAMAGE_STEPS = 500
KEPT_OUT = 8
"""Every so many photographs one is for the calibration."""
SMALLEST = 0.5
"""Gray levels that are added to prediction and error in the loss: rounding alone is a quarter of a level."""

REPORT = 100
"""Steps between two lines about the progress."""

SECTION = """`difficulty/` predicts how many gray levels each pixel of a result is likely to be off. It learned from
photographs and this model's own results of them, clean and degraded (`fasrgan train-error`). In {learned}."""

Notify = Callable[[str], None]


@dataclass(frozen=True)
class ErrorTraining:
    """How an estimator is trained.

    Args:
        steps: of AdamW.
        crops: to cut from the photographs in all.
        batch: cells in one step.
        learning_rate: the highest; it rises and falls in one cycle.
        degradation: how the small images are made.
        seed: of everything that is drawn.
    """

    steps: int
    crops: int
    degradation: Mixture
    batch: int = 1024
    learning_rate: float = 3e-3
    seed: int = 0


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
    scale, seed = estimator.scale, options.seed
    images = list(read_images(source, options.crops, seed, scale))
    held, used = images[::KEPT_OUT], [image for at, image in enumerate(images) if at % KEPT_OUT]
    if not used:
        raise UserError(
            f"'{source}' has {len(images)} photographs of {CROP * scale} pixels and more a side; "
            "at least 2 are needed"
        )
    notify(f"enlarging crops of {len(used)} photographs, and of {len(held)} for the calibration")
    examples, others = (
        make_examples(enlarge, part, options.degradation, seed, scale, count)
        for part, count in ((used, options.crops), (held, max(1, options.crops // KEPT_OUT)))
    )
    _fit(estimator.eval(), examples, options, notify)
    return _calibrate(estimator, others)


def expected_loss(predicted: Tensor, error: Tensor) -> Tensor:
    """The mean of log m + e / m, both with `SMALLEST` added."""
    m, e = predicted + SMALLEST, error + SMALLEST
    return (m.log() + e / m).mean()


def _logarithm(levels: Tensor) -> Tensor:
    return (levels + SMALLEST).log()


def _fit(estimator: ErrorEstimator, examples: Examples, options: ErrorTraining, notify: Notify) -> None:
    """What tells how damaged an image is first, then what sees that and the cues of single cells."""
    rng = torch.Generator().manual_seed(options.seed)
    with torch.no_grad():
        facts = torch.cat([image_facts(small[None] / 255) for small in examples.small])
        damages = torch.cat(
            [_damage(*pair, estimator.scale) for pair in zip(examples.small, examples.original, strict=True)]
        )
    norm = estimator.damage[0]
    norm.running_mean, norm.running_var = facts.mean(dim=0), facts.var(dim=0) + 1e-3
    normalized = norm(facts)

    def damage_loss() -> Tensor:
        noise = DAMAGE_NOISE * torch.randn(normalized.shape, generator=rng)
        return (estimator.damage[1:](normalized + noise)[:, 0] - damages).square().mean()

    _minimize(damage_loss, estimator.damage, DAMAGE_STEPS, 5e-3)
    notify(f"damage of the small images: {damage_loss():.3f} of a variance of {damages.var():.3f} left")
    cues, errors = _sample_cells(estimator, examples, rng)
    estimator.center, estimator.spread = cues.mean(dim=0), cues.std(dim=0) + 0.02
    cues = (cues - estimator.center) / estimator.spread
    jitter = torch.full((cues.shape[1],), NOISE)
    jitter[-1] = DAMAGE_NOISE

    def cell_loss() -> Tensor:
        index = torch.randint(len(cues), (options.batch,), generator=rng)
        seen = cues[index] + jitter * torch.randn(len(index), cues.shape[1], generator=rng)
        predicted = estimator.levels(seen[:, :, None, None]).flatten()
        return (_logarithm(predicted) - _logarithm(errors[index])).square().mean()

    trained = nn.ModuleList([estimator.layers, estimator.direct])
    _minimize(cell_loss, trained, options.steps, options.learning_rate, notify)


def _damage(small: Tensor, original: Tensor, scale: int) -> Tensor:
    """(1,): the logarithm of the gray levels by which a small image differs from the clean one."""
    clean = downscale(original.float() / 255, scale) * 255
    return _logarithm((small - clean).abs().mean())[None]


def _sample_cells(
    estimator: ErrorEstimator, examples: Examples, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """`CELLS` of each crop: their cues (N, C), and the mean of the error in each (N,)."""
    cues, errors = [], []
    with torch.no_grad():
        for index in range(len(examples.small)):
            result, small, error = examples.whole(index)
            inside = (..., slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
            seen = estimator.cues(result, small)[inside].flatten(2)[0]
            true = F.avg_pool2d(error, estimator.cell)[inside].flatten()
            chosen = torch.randperm(len(true), generator=rng)[:CELLS]
            cues.append(seen[:, chosen].T)
            errors.append(true[chosen])
    return torch.cat(cues), torch.cat(errors)


def _minimize(
    loss: Callable[[], Tensor], network: nn.Module, steps: int, rate: float, notify: Notify | None = None
) -> None:
    """AdamW over one cycle of the learning rate."""
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, steps)
    total = 0.0
    for step in range(1, steps + 1):
        value = loss()
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        total += value.item()
        if step % REPORT == 0 and notify is not None:
            notify(f"step {step} of {steps}: loss {total / REPORT:.4f}")
            total = 0.0


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
    """The map before calibration and the true error of every third pixel but those at the borders, (N, 1, H, W)."""
    each_third = slice(MARGIN * estimator.cell, -MARGIN * estimator.cell, 3)
    inside = (..., each_third, each_third)
    raws, errors = [], []
    for index in range(len(examples.small)):
        result, small, error = examples.whole(index)
        raws.append(estimator.raw(result, small)[inside])
        errors.append(error[inside])
    return torch.cat(raws), torch.cat(errors)
