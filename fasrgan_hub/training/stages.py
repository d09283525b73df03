"""The two kinds of training step: L1 pre-training and the adversarial stage (Sections III and IV-A).

A stage owns the networks, their optimizers and schedules, and the averaged generator; `step` takes a batch and
returns the losses. Networks are not wrapped for data parallelism: gradients are averaged over the processes by
hand after each backward pass, because the shared extractor of Fs-SRGAN is moved by both optimizers (by the
generator's through LR -> E -> G and SR -> E -> D, and by the discriminator's through E(HR) and E(SR)).
"""

import math
from collections.abc import Iterable
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .. import losses
from ..features import PerceptualFeatures
from ..models.discriminators import Scores
from ..models.generators import Generator
from .config import TrainConfig

Losses = dict[str, Tensor]


class NonFiniteError(Exception):
    """A result or a gradient was infinite or no number on some process; no process made the update it belongs to."""


def learning_rate_factor(config: TrainConfig, step: int) -> float:
    """What the learning rate is multiplied by at `step`. It does not depend on where the run will end."""
    rise = min((step + 1) / config.warmup, 1) if config.warmup else 1.0
    if config.cosine_steps:
        return rise * 0.5 * (1 + math.cos(math.pi * min(step / config.cosine_steps, 1)))
    halvings = step // config.halve_every if config.halve_every else 0
    halvings += sum(int(at) <= step for at in filter(None, config.halve_at.split(",")))
    return rise * 0.5**halvings


class PixelStage:
    """L1 pre-training (Eq. 3): the generator, with its extractor where it has one."""

    def __init__(self, config: TrainConfig, accelerator: Accelerator, generator: Generator):
        self.config = config
        self.accelerator = accelerator
        self.generator = self._place(generator)
        self.ema = (
            AveragedModel(self.generator, multi_avg_fn=get_ema_multi_avg_fn(config.ema))
            if config.ema
            else None
        )
        self.optimizers = {"generator": self._adam(self.generator.parameters())}
        self.schedulers = {"generator": self._schedule(self.optimizers["generator"])}

    @property
    def result(self) -> Generator:
        """The generator to score and to keep: the averaged one where there is one."""
        return self.ema.module if self.ema else self.generator  # type: ignore[return-value]

    def step(self, lr: Tensor, hr: Tensor) -> Losses:
        with self.accelerator.autocast():
            sr = self.generator(lr)
        self._require_finite(sr)
        content = losses.content_loss(sr.to(hr.dtype), hr)
        self._update("generator", content)
        self._advance()
        return {"content": content.detach()}

    def state_dict(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"generator": self.generator}
        if self.ema:
            parts["ema"] = self.ema
        for name, optimizer in self.optimizers.items():
            parts[f"optimizer_{name}"] = optimizer
            parts[f"scheduler_{name}"] = self.schedulers[name]
        return parts

    def _place(self, module: Any) -> Any:
        return module.train().to(self.accelerator.device, memory_format=torch.channels_last)

    def _adam(self, parameters: Iterable[nn.Parameter]) -> Adam:
        return Adam(parameters, lr=self.config.lr, betas=(0.9, 0.999))

    def _schedule(self, optimizer: Adam) -> LambdaLR:
        return LambdaLR(optimizer, lambda step: learning_rate_factor(self.config, step))

    def _update(self, name: str, loss: Tensor) -> None:
        """One step of the named optimizer down the gradient of `loss`, averaged over the processes."""
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if self.accelerator.num_processes > 1:
            for parameter in parameters:
                parameter.grad = self.accelerator.reduce(parameter.grad, "mean")
        norm = get_total_norm(parameter.grad for parameter in parameters)
        self._require_finite(norm)
        if self.config.clip:
            clip_grads_with_norm_(parameters, self.config.clip, norm)
        optimizer.step()

    def _advance(self) -> None:
        """The end of a step: the average follows, and every learning rate goes by the same count of steps."""
        if self.ema:
            self.ema.update_parameters(self.generator)
        for scheduler in self.schedulers.values():
            scheduler.step()

    def _require_finite(self, x: Tensor) -> None:
        """Raise NonFiniteError on every process if `x` is not finite on one: all take the same steps."""
        bad = (~torch.isfinite(x)).any().float()
        if self.accelerator.num_processes > 1:
            bad = self.accelerator.reduce(bad, "sum")
        if bad:
            raise NonFiniteError


class AdversarialStage(PixelStage):
    """The generator against the discriminator: Eq. 9 with a score map, Eq. 11 without; then Eq. 1 and 2."""

    def __init__(self, config: TrainConfig, accelerator: Accelerator, generator: Generator):
        super().__init__(config, accelerator, generator)
        row = config.system_row()
        self.weights = row.losses
        self.discriminator = self._place(row.build_discriminator(generator, config.crop))
        self.features = self._place(PerceptualFeatures(config.perceptual, config.perceptual_weights())).eval()
        takes_features = self.discriminator.config["in_channels"] != 3
        self.shared = self.generator.extractor if takes_features else None
        parameters = list(self.discriminator.parameters())
        if self.shared is not None:
            parameters += self.shared.parameters()
        self.optimizers["discriminator"] = self._adam(parameters)
        self.schedulers["discriminator"] = self._schedule(self.optimizers["discriminator"])

    def step(self, lr: Tensor, hr: Tensor) -> Losses:
        sr, seen = self._step_generator(lr, hr)
        if (self.schedulers["generator"].last_epoch + 1) % self.config.d_every == 0:
            seen |= self._step_discriminator(sr, hr)
        self._advance()
        return seen

    def _parts(self) -> dict[str, Any]:
        return super()._parts() | {"discriminator": self.discriminator}

    def judge(self, pictures: Tensor) -> Scores:
        """What the discriminator says of pictures, by way of the shared extractor where there is one."""
        with self.accelerator.autocast():
            seen = pictures if self.shared is None else self.shared(pictures)
            image, score_map = self.discriminator(seen)
        dtype = pictures.dtype
        return Scores(image.to(dtype), None if score_map is None else score_map.to(dtype))

    def _mean(self, logits: Tensor) -> Tensor:
        """The mean over the whole batch of all processes; its gradient reaches the logits of every process."""
        if self.accelerator.num_processes == 1:
            return logits.mean()
        return all_reduce(logits.mean()) / self.accelerator.num_processes

    def _step_generator(self, lr: Tensor, hr: Tensor) -> tuple[Tensor, Losses]:
        # autocast caches the casts of weights, with or without their graph: the passes with and without
        # gradients must not share one autocast region.
        self.discriminator.requires_grad_(False)
        with self.accelerator.autocast():
            sr = self.generator(lr)
            sr_features = [x.to(hr.dtype) for x in self.features(sr)]
        sr = sr.to(hr.dtype)
        self._require_finite(sr)  # before it can spoil the discriminator's running statistics
        fake = self.judge(sr)
        with torch.no_grad():
            real = self.judge(hr)
            with self.accelerator.autocast():
                hr_features = [x.to(hr.dtype) for x in self.features(hr)]
        seen = {
            "content": losses.content_loss(sr, hr),
            "perceptual": losses.perceptual_loss(sr_features, hr_features),
            "entire": losses.generator_image_loss(real.image, fake.image, self._mean),
        }
        adversarial = seen["entire"]
        total = self.weights.content * seen["content"] + self.weights.perceptual * seen["perceptual"]
        if fake.map is not None and real.map is not None:
            seen["fine"] = losses.generator_map_loss(real.map, fake.map)
            seen["attention"] = losses.attention_loss(fake.map, sr, hr)
            adversarial = adversarial + self.weights.fine * seen["fine"]
            total = total + self.weights.attention * seen["attention"]
        self._update("generator", total + self.weights.adversarial * adversarial)
        return sr.detach(), {name: value.detach() for name, value in seen.items()}

    def _step_discriminator(self, sr: Tensor, hr: Tensor) -> Losses:
        self.discriminator.requires_grad_(True)
        real, fake = self.judge(hr), self.judge(sr)
        seen = {"d_image": losses.discriminator_image_loss(real.image, fake.image, self._mean)}
        if real.map is not None and fake.map is not None:
            seen["d_map"] = self.weights.fine * losses.discriminator_map_loss(real.map, fake.map)
        if self.config.r1:
            seen["d_r1"] = self.config.r1 * self._gradient_penalty(hr)
        self._update("discriminator", torch.stack(list(seen.values())).sum())
        with torch.no_grad():
            seen["d_margin"] = real.image.mean() - fake.image.mean()
        return {name: value.detach() for name, value in seen.items()}

    def _gradient_penalty(self, hr: Tensor) -> Tensor:
        """R1: half the squared gradient of the picture's score by its pixels, mean over the HR pictures."""
        hr = hr.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.judge(hr).image.sum(), hr, create_graph=True)
        return gradient.square().sum(dim=(1, 2, 3)).mean() / 2
