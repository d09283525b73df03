"""Training of a discriminator alone, when its generator is finished: on photographs and what models make of them.

A generator has learned to deceive the discriminator that it was trained with. Alone that learns to tell the two again,
and more so from the results of several models.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.degradations import Mixture
from ..devices import move
from ..errors import UserError
from ..evaluation.cards import record_section
from ..evaluation.error_prediction import auc
from ..hub.model_files import DISCRIMINATOR, model_files
from ..hub.transfer import CARD
from ..images.atomic import make_folder
from ..losses import RANKED, discriminator_image_loss, discriminator_map_loss, ranking_loss
from ..models.discriminators import Discriminator
from ..systems import load_discriminator
from ..upscaling.engines.choice import cpu_has_bf16
from ..upscaling.upscaler import Upscaler
from .examples import KEPT_OUT, Enlarge, Examples, make_examples, split_images
from .minimizing import Notify, minimize
from .model_folder import complete_model_folder

SIDE = 128
"""Pixels of what a step shows of each crop, at most."""
RIVALS = 2
"""Other models, at most, whose results of a crop a step shows beside the model's own."""
IMAGE = 0.1
"""Weight of Eq. 1; what is wanted is the map."""

SECTION = """`discriminator/` learned on alone, to tell photographs from the results of {results}
(`{command}`). {told}."""


@dataclass(frozen=True)
class DiscriminatorTraining:
    """How a discriminator is trained.

    Args:
        steps: of AdamW.
        crops: to cut from the photographs in all.
        degradation: how the small images are made.
        also: bundled models, folders or Hub ids whose results it learns to tell besides the model's own.
        batch: crops in one step.
        learning_rate: the highest; it rises and falls in one cycle.
        seed: of everything that is drawn.
        half: store float16: half the size, three digits.
    """

    steps: int
    crops: int
    degradation: Mixture
    also: Sequence[str] = ()
    batch: int = 4
    learning_rate: float = 2e-4
    seed: int = 0
    half: bool = False


def train_discriminator(
    model: str | Path,
    source: str,
    output: str | Path,
    options: DiscriminatorTraining,
    revision: str | None = None,
    notify: Notify = print,
) -> Discriminator:
    """Train a model's discriminator and write it into the folder `output`/discriminator, with a section in the card.

    Args:
        model: a bundled name, a folder or a Hub id; usually the one that lies in `output`.
        source: the photographs, as for training; see `data.sources.open_source`.
        options: see `DiscriminatorTraining`.
        revision: of a Hub id.
        notify: called with lines about the progress.

    Raises UserError for a model or a source that cannot be used, a discriminator that is not fully convolutional or
    takes features, and a folder that cannot be written.
    """
    files = [model_files(model, revision=revision), *map(model_files, options.also)]
    discriminator = load_discriminator(files[0])
    _check(files[0].name, discriminator)
    for each in files:
        if each.scale != files[0].scale:
            raise UserError(f"'{each.name}' enlarges by {each.scale}, '{files[0].name}' by {files[0].scale}")
    make_folder(Path(output))
    upscalers = [Upscaler(each) for each in files]
    told = teach(discriminator, upscalers, upscalers[0].model_scale, source, options, notify)
    (discriminator.half() if options.half else discriminator).save_pretrained(Path(output, DISCRIMINATOR))
    Path(output, DISCRIMINATOR, CARD).unlink(missing_ok=True)
    complete_model_folder(output, files[0])
    names = " and ".join(f"`{each.name}`" for each in files)
    command = " ".join(
        [f"fasrgan train-discriminator --steps {options.steps} --crops {options.crops}"]
        + [f"--also {each.name}" for each in files[1:]]
    )
    record_section(output, "Discriminator", SECTION.format(results=names, command=command, told=told))
    notify(told)
    return discriminator


def teach(
    discriminator: Discriminator,
    enlarge: Sequence[Enlarge],
    scale: int,
    source: str,
    options: DiscriminatorTraining,
    notify: Notify = print,
) -> str:
    """Train a discriminator in place, and say how it does on the photographs that were kept out.

    Args:
        discriminator: in float32, of images, without windows.
        enlarge: the models, (h, w, 3) uint8 -> (sh, sw, 3) uint8; the first one's results are shown in every step.
        scale: of all models.
        source, options, notify: as in `train_discriminator`.

    Raises UserError for a source without at least two photographs that are large enough.
    """
    used, held = split_images(source, options.crops, options.seed, scale)
    notify(f"enlarging crops of {len(used)} photographs, and of {len(held)} to measure on")
    views, others = (
        _views(
            [make_examples(each, part, options.degradation, options.seed, scale, count) for each in enlarge]
        )
        for part, count in ((used, options.crops), (held, max(1, options.crops // KEPT_OUT)))
    )
    device = move(discriminator, None, memory_format=torch.channels_last)
    _fit(discriminator.train(), views, device, options, notify)
    return _measure(discriminator.eval(), others, device)


def _check(name: str, discriminator: Discriminator) -> None:
    if not discriminator.has_map or discriminator.reach is None or discriminator.config["in_channels"] != 3:
        raise UserError(
            f"the discriminator of '{name}' cannot learn alone: it must have a map, take images of any size, and not "
            "features of the generator"
        )


def _views(examples: Sequence[Examples]) -> Tensor:
    """(N, 1 + models, 3, H, W) uint8: each crop's original and its results."""
    return torch.stack([examples[0].original, *(each.result for each in examples)], dim=1)


def _fit(
    discriminator: Discriminator,
    views: Tensor,
    device: torch.device,
    options: DiscriminatorTraining,
    notify: Notify,
) -> None:
    rng = np.random.default_rng(options.seed)
    rivals = views.shape[1] - 2
    low = device.type == "cuda" or cpu_has_bf16()

    def loss() -> Tensor:
        shown = []
        for crop in rng.integers(len(views), size=options.batch):
            others = 2 + rng.permutation(rivals)[:RIVALS]
            shown.append(_turned(views[crop][[0, 1, *others]], rng))
        pixels = torch.stack(shown, dim=1).flatten(0, 1).to(device).float() / 255
        with torch.autocast(device.type, torch.bfloat16, enabled=low):
            scores = discriminator(pixels.contiguous(memory_format=torch.channels_last))
        (real, *fakes), (real_image, *fake_images) = (
            part.float().split(options.batch) for part in (scores.map, scores.image)
        )
        return torch.stack(
            [
                discriminator_map_loss(real, fake)
                + ranking_loss(real, fake)
                + IMAGE * discriminator_image_loss(real_image, fake_image)
                for fake, fake_image in zip(fakes, fake_images, strict=True)
            ]
        ).mean()

    minimize(loss, discriminator, options.steps, options.learning_rate, notify)


def _turned(views: Tensor, rng: np.random.Generator) -> Tensor:
    """The same random part of all views of a crop, flipped and transposed alike."""
    size = min(SIDE, *views.shape[-2:])
    top, left = (int(rng.integers(side - size + 1)) for side in views.shape[-2:])
    views = views[..., top : top + size, left : left + size]
    if axes := [axis for axis in (-2, -1) if rng.random() < 0.5]:
        views = views.flip(axes)
    return views.transpose(-1, -2) if rng.random() < 0.5 else views


@torch.inference_mode()
def _measure(discriminator: Discriminator, views: Tensor, device: torch.device) -> str:
    """How often a window of an original scores higher than one of the first model's result of the same crop."""
    areas = []
    for crop in views[:, :2]:
        score = discriminator(crop.to(device).float() / 255).map.sigmoid().mean(dim=1)
        original, result = F.avg_pool2d(score, RANKED).flatten(1).cpu().numpy()
        areas.append(auc(original, result))
    return (
        f"In {len(areas)} crops that it did not learn from, {np.mean(areas):.1%} of the pairs of a window "
        "of the original and one of the result are told apart"
    )
