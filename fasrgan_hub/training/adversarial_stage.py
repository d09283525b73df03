"""The second stage: the generator against the discriminator (Sections III and IV-A).

In a step all micro-batches of the generator come before those of the discriminator; see `accumulation.py`.
"""

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
from .accumulation import BatchLogits, buffers_kept, mean_terms, micro_batches
from .config import TrainConfig
from .gradients import average_gradients, clip_gradients, mean_over_batch
from .pixel_stage import PixelStage, Terms

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
        self.discriminator = self._place(discriminator)
        self.features = self._place(features).eval()
        self.shared = generator.extractor if discriminator.config["in_channels"] != 3 else None
        self._discriminate = self._compiled(self.discriminator)
        self._describe = self._compiled(self.features)
        self._extract = None if self.shared is None else self._compiled(self.shared)
        shared = [] if self.shared is None else self.shared.parameters()
        self._optimize("discriminator", [*self.discriminator.parameters(), *shared])
        self._average("discriminator")
        weights = config.losses
        self._metrics = {
            name: self._compiled(self._place(metric()).eval())
            for name, metric in METRICS.items()
            if getattr(weights, name)
        }
        self._generate_average = self._compiled(self.result) if weights.artefact else None

    def step(self, lr: Tensor, hr: Tensor) -> Terms:
        """One iteration on this process's share of a batch, (N, 3, h, w) and (N, 3, 4h, 4w); the loss terms."""
        optimizer, results, terms = self.optimizers["generator"], [], []
        parts = micro_batches(self.accumulate, lr, hr)
        logits = self._generator_logits(parts)
        self.discriminator.requires_grad_(False)
        optimizer.zero_grad()
        for index, (lr, hr) in enumerate(parts):
            loss, part_terms, sr = self.generator_loss(lr, hr, logits, index)
            self.accelerator.backward(loss / len(parts))
            results.append(sr.detach())
            terms.append(part_terms)
        average_gradients(self.accelerator, optimizer)
        clip_gradients(self.accelerator, optimizer, self.config.optimizer.clip)
        optimizer.step()
        report = mean_terms(terms)

        if self._discriminator_is_due():
            optimizer, terms = self.optimizers["discriminator"], []
            parts = [(sr, hr) for sr, (_, hr) in zip(results, parts, strict=True)]
            logits = self._logits(parts)
            self.discriminator.requires_grad_(True)
            optimizer.zero_grad()
            for index, (sr, hr) in enumerate(parts):
                loss, part_terms = self.discriminator_loss(sr, hr, logits, index)
                self.accelerator.backward(loss / len(parts))
                terms.append(part_terms)
            average_gradients(self.accelerator, optimizer)
            clip_gradients(self.accelerator, optimizer, self.config.optimizer.clip)
            optimizer.step()
            report |= mean_terms(terms)
        self._advance()
        return report

    def generator_loss(
        self, lr: Tensor, hr: Tensor, logits: BatchLogits, index: int = 0
    ) -> tuple[Tensor, Terms, Tensor]:
        """Eq. 9, or Eq. 11 without a score map: the loss, its terms and the SR images.

        The images are micro-batch `index` of the batch that `logits` belong to; see `accumulation.py`.
        """
        # The passes with and without gradients must not share one autocast region: it caches the casts of weights,
        # with or without their graph.
        sr = self.upscale(lr)
        with torch.no_grad():
            real = self.score(hr)
            hr_features = self.perceive(hr)
        fake = self.score(sr)
        weights = self.config.losses
        entire = losses.generator_image_loss(*logits.whole(index, real.image, fake.image), self._mean)
        terms = {
            "content": losses.content_loss(sr, hr),
            "perceptual": losses.perceptual_loss(self.perceive(sr), hr_features),
            "entire": entire,
        }
        adversarial = entire * logits.parts  # its gradient is a share of the whole, not of a mean of shares
        loss = weights.content * terms["content"] + weights.perceptual * terms["perceptual"]
        for name, term in self._extra_terms(lr, sr, hr).items():
            terms[name] = term
            loss = loss + getattr(weights, name) * term
        if fake.map is not None and real.map is not None:
            terms["fine"] = losses.generator_map_loss(real.map, fake.map)
            terms["attention"] = losses.attention_loss(fake.map, sr, hr)
            adversarial = adversarial + weights.fine * terms["fine"]  # Eq. 5
            loss = loss + weights.attention * terms["attention"]  # lambda 2
        return loss + weights.adversarial * adversarial, terms, sr  # lambda 1

    def discriminator_loss(
        self, sr: Tensor, hr: Tensor, logits: BatchLogits, index: int = 0
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

    def _extra_terms(self, lr: Tensor, sr: Tensor, hr: Tensor) -> Terms:
        """The terms that have a coefficient and are not in the paper."""
        weights = self.config.losses
        terms = {name: term(sr, hr) for name, term in losses.EXTRA_TERMS.items() if getattr(weights, name)}
        if self._generate_average:
            with torch.no_grad(), self.accelerator.autocast():
                average = self._generate_average(lr)
            terms["artefact"] = losses.artefact_loss(sr, hr, average.to(hr.dtype))
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

    def local_state(self) -> dict[str, Tensor]:
        return {name: buffer.cpu() for name, buffer in self.discriminator.named_buffers()}

    @torch.no_grad()
    def load_local_state(self, state: dict[str, Tensor]) -> None:
        for name, buffer in self.discriminator.named_buffers():
            buffer.copy_(state[name])

    def _parts(self) -> dict[str, Any]:
        return super()._parts() | {"discriminator": self.discriminator}

    def _discriminator_is_due(self) -> bool:
        steps = self.schedulers["generator"].last_epoch + 1
        return steps % self.config.optimizer.d_every == 0

    def _mean(self, logits: Tensor) -> Tensor:
        return mean_over_batch(self.accelerator, logits)

    @torch.no_grad()
    def _generator_logits(self, parts: list[tuple[Tensor, ...]]) -> BatchLogits:
        """`_logits` of (lr, hr) micro-batches."""
        if len(parts) == 1:
            return BatchLogits()
        return self._logits([(self.upscale(lr), hr) for lr, hr in parts])

    @torch.no_grad()
    def _logits(self, parts: list[tuple[Tensor, ...]]) -> BatchLogits:
        """The logits of (sr, hr) micro-batches, for the first pass of accumulation."""
        if len(parts) == 1:
            return BatchLogits()
        with buffers_kept(self.discriminator):
            scores = [(self.score(hr).image, self.score(sr).image) for sr, hr in parts]
        return BatchLogits(*zip(*scores, strict=True))

    def _gradient_penalty(self, hr: Tensor) -> Tensor:
        """R1: half the squared gradient of the image's logit by its pixels, mean over the HR images."""
        hr = hr.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.score(hr).image.sum(), hr, create_graph=True)
        return gradient.square().sum(dim=(1, 2, 3)).mean() / 2
