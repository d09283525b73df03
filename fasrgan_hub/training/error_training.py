"""Training of a model's error estimator: on photographs, with the model's own results, clean and degraded.

The order of pixels is learned first, by the squared difference of logarithms, and with much noise on the cues: what was
learned from few photographs then holds for others. What is predicted is no mean yet. Some photographs are kept out of
that; on them the map is calibrated.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..data.degradations import Mixture
from ..evaluation.cards import record_section
from ..hub.model_files import DIFFICULTY, model_files
from ..hub.transfer import CARD
from ..images.atomic import make_folder
from ..images.bicubic import downscale
from ..models.error_estimator import CLEAN, ErrorEstimator, image_facts
from ..upscaling.error_map import reference_files
from ..upscaling.upscaler import Upscaler
from .error_calibration import SMALLEST, calibrate
from .examples import KEPT_OUT, MARGIN, Enlarge, Examples, make_examples, split_images
from .minimizing import Notify, minimize
from .model_folder import complete_model_folder

CELLS = 250
"""Cells of each crop that are learned from."""
NOISE, REFERENCE_NOISE, DAMAGE_NOISE = 1.0, 0.3, 0.3
"""Standard deviations of what is added to a cell's cues, what is compared with the reference, and an image's damage.

Their own is 1. What gets little noise is trusted most; the difference from the reference holds best for other images.
"""
UNKNOWN = 0.25
"""Share of the clean crops that are learned without the result of the reference."""
DAMAGE_STEPS = 500

SECTION = """`difficulty/` predicts how many gray levels each pixel of a result is likely to be off. It learned from
photographs and this model's own results of them, clean and degraded (`{command}`){compared}. In {learned}."""
COMPARED = "; in images that are not much damaged it also sees how far those of `{reference}` are from them"


@dataclass(frozen=True)
class ErrorTraining:
    """How an estimator is trained.

    Args:
        steps: of AdamW.
        crops: to cut from the photographs in all.
        batch: cells in one step.
        learning_rate: the highest; it rises and falls in one cycle.
        degradation: how the small images are made.
        reference: a bundled model or a Hub id whose results are compared with the model's; empty for none.
        seed: of everything that is drawn.
    """

    steps: int
    crops: int
    degradation: Mixture
    reference: str = ""
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
    files = model_files(model, revision=revision)
    upscaler = Upscaler(files)
    name = options.reference
    reference = Upscaler(reference_files(name, upscaler.model_scale)) if name else None
    make_folder(Path(output))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        estimator = ErrorEstimator(upscaler.model_scale, reference=options.reference)
    learned = train_estimator(upscaler, estimator, source, options, notify, reference)
    estimator.save_pretrained(Path(output, DIFFICULTY))
    Path(output, DIFFICULTY, CARD).unlink(missing_ok=True)
    complete_model_folder(output, files)
    command, compared = f"fasrgan train-error --crops {options.crops}", ""
    if options.reference:
        command += f" --reference {options.reference}"
        compared = COMPARED.format(reference=options.reference)
    record_section(output, "Error map", SECTION.format(command=command, compared=compared, learned=learned))
    notify(f"in {learned}")
    return estimator


def train_estimator(
    enlarge: Enlarge,
    estimator: ErrorEstimator,
    source: str,
    options: ErrorTraining,
    notify: Notify = print,
    refer: Enlarge | None = None,
) -> str:
    """Train an estimator in place, and say how it does on the photographs that were kept out.

    Args:
        enlarge: the model, (h, w, 3) uint8 -> (sh, sw, 3) uint8.
        estimator: with random weights.
        source, options, notify: as in `train_error_map`.
        refer: the estimator's reference, if it has one.

    Raises UserError for a source without at least two photographs that are large enough.
    """
    scale, seed = estimator.scale, options.seed
    used, held = split_images(source, options.crops, seed, scale)
    notify(f"enlarging crops of {len(used)} photographs, and of {len(held)} for the calibration")
    examples, others = (
        make_examples(enlarge, part, options.degradation, seed, scale, count, refer)
        for part, count in ((used, options.crops), (held, max(1, options.crops // KEPT_OUT)))
    )
    _fit(estimator.eval(), examples, options, notify)
    return calibrate(estimator, others)


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

    minimize(damage_loss, estimator.damage, DAMAGE_STEPS, 5e-3)
    notify(f"damage of the small images: {damage_loss():.3f} of a variance of {damages.var():.3f} left")
    cues, errors = _sample_cells(estimator, examples, rng)
    _normalize(estimator, cues)
    cues = estimator.normalized(cues[:, :, None, None])[:, :, 0, 0]
    jitter = _jitter(estimator)

    def cell_loss() -> Tensor:
        index = torch.randint(len(cues), (options.batch,), generator=rng)
        seen = cues[index] + jitter * torch.randn(len(index), cues.shape[1], generator=rng)
        predicted = estimator.levels(seen[:, :, None, None]).flatten()
        return (_logarithm(predicted) - _logarithm(errors[index])).square().mean()

    trained = nn.ModuleList([estimator.layers, estimator.direct])
    minimize(cell_loss, trained, options.steps, options.learning_rate, notify)


def _normalize(estimator: ErrorEstimator, cues: Tensor) -> None:
    """Set center and spread to those of sampled cues (N, C); what is compared counts only where it is known."""
    center, spread = cues.mean(dim=0), cues.std(dim=0) + 0.02
    if estimator.reference:
        known = cues[cues[:, -1] == 0]
        if len(known) > 1:
            compared = estimator.compared
            center[compared] = known[:, compared].mean(dim=0)
            spread[compared] = known[:, compared].std(dim=0) + 0.02
        center[-1], spread[-1] = 0, 1
    estimator.center, estimator.spread = center, spread


def _jitter(estimator: ErrorEstimator) -> Tensor:
    """(C,): the noise on normalized cues; none on whether the reference's result is missing."""
    jitter = torch.where(estimator.compared, REFERENCE_NOISE, NOISE)
    if estimator.reference:
        jitter[-2:] = torch.tensor((DAMAGE_NOISE, 0.0))
    else:
        jitter[-1] = DAMAGE_NOISE
    return jitter


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
            result, small, error, other = examples.whole(index)
            damage = estimator.damage_of(small)
            if damage > CLEAN or torch.rand((), generator=rng) < UNKNOWN:
                other = None
            inside = (..., slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
            here = estimator.cues(result, small, damage, other)[inside].flatten(2)[0]
            true = F.avg_pool2d(error, estimator.cell)[inside].flatten()
            chosen = torch.randperm(len(true), generator=rng)[:CELLS]
            cues.append(here[:, chosen].T)
            errors.append(true[chosen])
    return torch.cat(cues), torch.cat(errors)
