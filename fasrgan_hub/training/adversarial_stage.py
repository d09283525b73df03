"""The second stage: the generator against the discriminator (Sections III and IV-A).

In a step all micro-batches of the generator come before those of the discriminator; see `accumulation.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from .. import losses
from ..backbones import PerceptualFeatures
from ..metrics import LPIPS
from ..metrics.dists import DISTS
from ..models.discriminators import Discriminator, Scores
from ..models.generators import Generator
from .accumulation import BatchLogits, buffers_kept, micro_batches
from .config import TrainConfig
from .gradients import mean_over_batch
from .pixel_stage import PixelStage, Terms

Pairs = Sequence[tuple[Tensor, ...]]

METRICS: dict[str, type[nn.Module]] = {"lpips": LPIPS, "dists": DISTS}
"""Metrics that are loss terms too, by the name of their coefficient in `LossWeights`."""


class AdversarialStage(PixelStage):
    """The generator down Eq. 9 with a score map, Eq. 11 without; then the discriminator down Eq. 1 and 2."""

    def __init__(
        self,
        config: TrainConfig,
        accelerator: Accelerator,
        generator: Generator,
        discriminator: Discriminator,
        features: PerceptualFeatures,
    ):
        super().__init__(config, accelerator, generator)
        self._mean = partial(mean_over_batch, accelerator)
        self.discriminator = self._place(discriminator)
        self.features = self._place(features).eval()
        self.shared = generator.extractor if discriminator.config["in_channels"] != 3 else None
        self._discriminate = self._compiled(self.discriminator)
        self._describe = self._compiled(self.features)
        self._image_terms = losses.EXTRA_TERMS | {"grid": partial(losses.grid_loss, cell=config.cell)}
        self._extract = None if self.shared is None else self._compiled(self.shared)
        shared = [] if self.shared is None else self.shared.parameters()
        self._optimize("discriminator", [*self.discriminator.parameters(), *shared])
        self._average("discriminator")
        self._metrics = {
            name: self._compiled(self._place(metric()).eval())
            for name, metric in METRICS.items()
            if getattr(config.losses, name)
        }

    def step(self, lr: Tensor, hr: Tensor) -> Terms:
        """One iteration on this process's share of a batch, (N, 3, h, w) and (N, 3, sh, sw); the loss terms."""
        parts = micro_batches(self.config.optimizer.accumulate, lr, hr)
        settings, steps = self.config.optimizer, self.schedulers["generator"].last_epoch + 1
        alone = steps <= settings.d_init_steps
        terms, results = self._generator_step(parts) if not alone else ({}, self._results(parts))
        if alone or steps % settings.d_every == 0:
            terms |= self._discriminator_step(results)
        self._advance()
        return terms

    @torch.no_grad()
    def _results(self, parts: Pairs) -> Pairs:
        """(sr, hr) of (lr, hr) micro-batches, while the generator stays as it is."""
        with buffers_kept(self.generator):
            return [(self.upscale(lr), hr) for lr, hr in parts]

    def _generator_step(self, parts: Pairs) -> tuple[Terms, Pairs]:
        """A step of the generator: the loss terms, and (sr, hr) as they were before it."""
        results: list[tuple[Tensor, Tensor]] = []
        logits = self._logits(parts, self.upscale)

        def generator_losses() -> Iterator[tuple[Tensor, Terms]]:
            for index, (lr, hr) in enumerate(parts):
                sr = self.upscale(lr)
                results.append((sr.detach(), hr))
                yield self.generator_loss(sr, hr, logits, index)

        self.discriminator.requires_grad_(False)
        return self._descend("generator", generator_losses()), results

    def _discriminator_step(self, results: Pairs) -> Terms:
        """A step of the discriminator on (sr, hr) micro-batches; the loss terms."""
        logits = self._logits(results)
        self.discriminator.requires_grad_(True)
        parts = (self.discriminator_loss(sr, hr, logits, i) for i, (sr, hr) in enumerate(results))
        return self._descend("discriminator", parts)

    def generator_loss(self, sr: Tensor, hr: Tensor, logits: BatchLogits, index: int) -> tuple[Tensor, Terms]:
        """Eq. 9, or Eq. 11 without a score map: the loss and its terms.

        The images are micro-batch `index` of the batch that `logits` belong to; see `accumulation.py`.
        """
        # The passes with and without gradients must not share one autocast region: it caches the casts of weights,
        # with or without their graph.
        with torch.no_grad():
            real = self.score(hr)
        fake = self.score(sr)
        weights = self.config.losses
        entire = losses.generator_image_loss(*logits.whole(index, real.image, fake.image), self._mean)
        terms = {"content": losses.content_loss(sr, hr), "entire": entire}
        adversarial = entire * logits.parts  # its gradient is a share of the whole, not of a mean of shares
        loss = weights.content * terms["content"]
        if weights.perceptual:
            terms["perceptual"] = self._perceptual_loss(sr, hr)
            loss = loss + weights.perceptual * terms["perceptual"]
        for name, term in self._extra_terms(sr, hr).items():
            terms[name] = term
            loss = loss + getattr(weights, name) * term
        if fake.map is not None and real.map is not None:
            terms["fine"] = losses.generator_map_loss(real.map, fake.map)
            terms["attention"] = losses.attention_loss(fake.map, sr, hr)
            adversarial = adversarial + weights.fine * terms["fine"]  # Eq. 5
            loss = loss + weights.attention * terms["attention"]  # lambda 2
        return loss + weights.adversarial * adversarial, terms  # lambda 1

    def discriminator_loss(
        self, sr: Tensor, hr: Tensor, logits: BatchLogits, index: int
    ) -> tuple[Tensor, Terms]:
        """Eq. 1 and, with a score map, Eq. 2, and R1 where the run has it: the loss and its terms."""
        real, fake = self.score(hr), self.score(sr)
        image = losses.discriminator_image_loss(*logits.whole(index, real.image, fake.image), self._mean)
        terms = {"d_image": image}
        loss = image * logits.parts
        if real.map is not None and fake.map is not None:
            terms["d_map"] = self.config.losses.fine * losses.discriminator_map_loss(real.map, fake.map)
            loss = loss + terms["d_map"]
        if weight := self.config.optimizer.r1:
            terms["d_r1"] = weight * self._gradient_penalty(hr)
            loss = loss + terms["d_r1"]
        terms["d_margin"] = real.image.mean() - fake.image.mean()
        return loss, terms

    def _perceptual_loss(self, sr: Tensor, hr: Tensor) -> Tensor:
        with torch.no_grad():
            hr_features = self.perceive(hr)
        return losses.perceptual_loss(self.perceive(sr), hr_features)

    def _extra_terms(self, sr: Tensor, hr: Tensor) -> Terms:
        """The terms that have a coefficient and are not in the paper."""
        weights = self.config.losses
        terms = {name: term(sr, hr) for name, term in self._image_terms.items() if getattr(weights, name)}
        for name, metric in self._metrics.items():
            with self.accelerator.autocast():
                terms[name] = metric(self._shifted(sr), self._shifted(hr)).mean()
        return terms

    def _shifted(self, images: Tensor) -> Tensor:
        """The images without 3 rows and columns at the edges, those of another of 16 shifts in each step.

        AlexNet begins with a stride of 4, the size of an LR pixel: unshifted, LPIPS would ask for a grid of that size.
        """
        top, left = divmod(self.schedulers["generator"].last_epoch * 5 % 16, 4)
        height, width = images.shape[-2:]
        return images[..., top : height - 3 + top, left : width - 3 + left]

    @property
    def result_discriminator(self) -> Discriminator:
        """The discriminator to save, behind the extractor of `result`: its EMA where there is one."""
        return self._result("discriminator")

    def score(self, images: Tensor) -> Scores:
        """The discriminator's logits of images, by way of the shared extractor where there is one."""
        with self.accelerator.autocast():
            features = images if self._extract is None else self._extract(images)
            image, score_map = self._discriminate(features)
        return Scores(image.to(images.dtype), None if score_map is None else score_map.to(images.dtype))

    def perceive(self, images: Tensor) -> list[Tensor]:
        """The features of images that Eq. 4 compares."""
        with self.accelerator.autocast():
            return [x.to(images.dtype) for x in self._describe(images)]

    def local_buffers(self) -> dict[str, Tensor]:
        return dict(self.discriminator.named_buffers())

    def _parts(self) -> dict[str, Any]:
        return super()._parts() | {"discriminator": self.discriminator}

    @torch.no_grad()
    def _logits(self, parts: Pairs, upscale: Callable[[Tensor], Tensor] | None = None) -> BatchLogits:
        """The logits of (sr, hr) micro-batches, or (lr, hr) to `upscale`: the first pass of accumulation."""
        if len(parts) == 1:
            return BatchLogits()
        if upscale:
            parts = [(upscale(lr), hr) for lr, hr in parts]
        with buffers_kept(self.discriminator):
            scores = [(self.score(hr).image, self.score(sr).image) for sr, hr in parts]
        return BatchLogits(*zip(*scores, strict=True))

    def _gradient_penalty(self, hr: Tensor) -> Tensor:
        """R1: half the squared gradient of the image's logit by its pixels, mean over the HR images."""
        hr = hr.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.score(hr).image.sum(), hr, create_graph=True)
        return gradient.square().sum(dim=(1, 2, 3)).mean() / 2
