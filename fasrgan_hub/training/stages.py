"""The two kinds of training step: L1 pre-training and the adversarial stage (Sections III and IV-A).

A stage owns the networks, their optimizers and schedules, and the averaged networks; `step` takes a batch and
returns the losses. Networks are not wrapped for data parallelism: gradients are averaged over the processes by
hand after each backward pass, because the shared extractor of Fs-SRGAN is moved by both optimizers (by the
generator's through LR -> E -> G and SR -> E -> D, and by the discriminator's through E(HR) and E(SR)). For the same
reason all micro-batches of the generator's step come before those of the discriminator's; see `accumulation.py`.
"""

from collections.abc import Callable, Iterable
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
from ..backbones import PerceptualFeatures
from ..errors import UserError
from ..models.discriminators import Scores, UNetDiscriminator, VGGDiscriminator
from ..models.generators import Generator
from ..models.layers import BatchNorm
from .accumulation import buffers_kept, micro_batches, put
from .config import TrainConfig
from .schedule import learning_rate_factor
from .starting import initial_discriminator

Losses = dict[str, Tensor]


class NonFiniteError(Exception):
    """A result or a gradient was infinite or no number on some process; no process made the update it belongs to."""


class PixelStage:
    """L1 pre-training (Eq. 3): the generator, with its extractor where it has one."""

    def __init__(self, config: TrainConfig, accelerator: Accelerator, generator: Generator):
        if config.compile and config.precision == "bf16" and accelerator.device.type == "cpu":
            raise UserError(
                "--compile with --precision bf16 loses gradients on the CPU; leave one of them out "
                "(bf16 alone is the faster)"
            )
        self.config = config
        self.accelerator = accelerator
        self.generator = self._place(generator)
        if config.gradient_checkpointing:
            self.generator.recompute_activations()
        self._generate = self._compiled(self.generator)
        self.averages: dict[str, AveragedModel] = {}
        self._average("generator")
        self.optimizers = {"generator": self._adam(self.generator.parameters())}
        self.schedulers = {"generator": self._schedule(self.optimizers["generator"])}

    @property
    def result(self) -> Generator:
        """The generator to score and to keep: the averaged one where there is one."""
        return self._result("generator")

    def step(self, lr: Tensor, hr: Tensor) -> Losses:
        """One iteration on this process's share of a batch, (N, 3, h, w) and (N, 3, 4h, 4w); its losses."""

        def l1(index: int, lr: Tensor, hr: Tensor) -> tuple[Tensor, Losses]:
            content = losses.content_loss(self.enlarge(lr), hr)
            return content, {"content": content}

        seen = self._update("generator", micro_batches(self.config.optimizer.accumulate, lr, hr), l1)
        self._advance()
        return seen

    def enlarge(self, lr: Tensor) -> Tensor:
        """SR pictures; NonFiniteError before anything can be spoilt by what is no picture."""
        with self.accelerator.autocast():
            sr = self._generate(lr)
        self._require_finite(sr)
        return sr.to(lr.dtype)

    def state_dict(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def local_state(self) -> dict[str, Tensor]:
        """What each process has of its own: the running statistics of batch norm over its share of the data."""
        return {}

    def load_local_state(self, state: dict[str, Tensor]) -> None:
        """Take up what `local_state` of the same process gave."""

    def _parts(self) -> dict[str, Any]:
        parts: dict[str, Any] = {"generator": self.generator}
        for name, average in self.averages.items():
            parts[f"average_{name}"] = average
        for name, optimizer in self.optimizers.items():
            parts[f"optimizer_{name}"] = optimizer
            parts[f"scheduler_{name}"] = self.schedulers[name]
        return parts

    def _place(self, module: Any) -> Any:
        return module.train().to(self.accelerator.device, memory_format=torch.channels_last)

    def _average(self, name: str) -> None:
        """From now on keep an average of the network of that name, if the run wants averages."""
        if self.config.optimizer.ema:
            follow = get_ema_multi_avg_fn(self.config.optimizer.ema)
            self.averages[name] = AveragedModel(getattr(self, name), multi_avg_fn=follow)

    def _result(self, name: str) -> Any:
        return self.averages[name].module if name in self.averages else getattr(self, name)

    def _compiled(self, module: nn.Module) -> Callable[..., Any]:
        """`module` for use in a step, with the same weights."""
        return torch.compile(module, dynamic=False) if self.config.compile else module

    def _adam(self, parameters: Iterable[nn.Parameter]) -> Adam:
        return Adam(parameters, lr=self.config.optimizer.lr, betas=(0.9, 0.999))

    def _schedule(self, optimizer: Adam) -> LambdaLR:
        return LambdaLR(optimizer, lambda step: learning_rate_factor(self.config.optimizer, step))

    def _update(
        self,
        name: str,
        parts: list[tuple[Tensor, ...]],
        losses_of: Callable[..., tuple[Tensor, Losses]],
    ) -> Losses:
        """One step of the named optimizer down the mean over micro-batches and processes; the mean losses.

        `losses_of(index, *parts[index])` gives the total whose gradient is taken and the losses to report.
        """
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        reports: list[Losses] = []
        for index, part in enumerate(parts):
            total, seen = losses_of(index, *part)
            self.accelerator.backward(total / len(parts))
            reports.append({key: value.detach() for key, value in seen.items()})
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if self.accelerator.num_processes > 1:
            for parameter in parameters:
                parameter.grad = self.accelerator.reduce(parameter.grad, "mean")
        norm = get_total_norm(parameter.grad for parameter in parameters)
        self._require_finite(norm)
        if self.config.optimizer.clip:
            clip_grads_with_norm_(parameters, self.config.optimizer.clip, norm)
        optimizer.step()
        return {key: torch.stack([report[key] for report in reports]).mean() for key in reports[0]}

    def _advance(self) -> None:
        """The end of a step: the averages follow, and every learning rate goes by the same count of steps."""
        for name, average in self.averages.items():
            average.update_parameters(getattr(self, name))
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
        self.weights = config.losses
        self.discriminator = self._place(initial_discriminator(config, generator))
        self._average("discriminator")
        self.features = self._place(
            PerceptualFeatures(config.perceptual.network, config.perceptual.block_weights)
        ).eval()
        for layer in self.discriminator.modules():
            if isinstance(layer, BatchNorm):
                layer.synchronized = config.optimizer.sync_norm and accelerator.num_processes > 1
        takes_features = self.discriminator.config["in_channels"] != 3
        self.shared = self.generator.extractor if takes_features else None
        self._discriminate = self._compiled(self.discriminator)
        self._describe = self._compiled(self.features)
        self._share = None if self.shared is None else self._compiled(self.shared)
        parameters = list(self.discriminator.parameters())
        if self.shared is not None:
            parameters += self.shared.parameters()
        self.optimizers["discriminator"] = self._adam(parameters)
        self.schedulers["discriminator"] = self._schedule(self.optimizers["discriminator"])

    @property
    def result_discriminator(self) -> UNetDiscriminator | VGGDiscriminator:
        """The discriminator to judge with and to keep, behind the extractor of `result`; as there."""
        return self._result("discriminator")

    def step(self, lr: Tensor, hr: Tensor) -> Losses:
        sr, seen = self._step_generator(lr, hr)
        if (self.schedulers["generator"].last_epoch + 1) % self.config.optimizer.d_every == 0:
            seen |= self._step_discriminator(sr, hr)
        self._advance()
        return seen

    def local_state(self) -> dict[str, Tensor]:
        return {name: buffer.cpu() for name, buffer in self.discriminator.named_buffers()}

    @torch.no_grad()
    def load_local_state(self, state: dict[str, Tensor]) -> None:
        for name, buffer in self.discriminator.named_buffers():
            buffer.copy_(state[name])

    def _parts(self) -> dict[str, Any]:
        return super()._parts() | {"discriminator": self.discriminator}

    def judge(self, pictures: Tensor) -> Scores:
        """What the discriminator says of pictures, by way of the shared extractor where there is one."""
        with self.accelerator.autocast():
            seen = pictures if self._share is None else self._share(pictures)
            image, score_map = self._discriminate(seen)
        dtype = pictures.dtype
        return Scores(image.to(dtype), None if score_map is None else score_map.to(dtype))

    def _mean(self, logits: Tensor) -> Tensor:
        """The mean over the whole batch of all processes; its gradient reaches the logits of every process."""
        if self.accelerator.num_processes == 1:
            return logits.mean()
        return all_reduce(logits.mean()) / self.accelerator.num_processes

    def _perceive(self, pictures: Tensor) -> list[Tensor]:
        """The features of pictures that Eq. 4 compares."""
        with self.accelerator.autocast():
            return [x.to(pictures.dtype) for x in self._describe(pictures)]

    def _note_logits(self, pairs: list[tuple[Tensor, ...]]) -> tuple[list[Tensor], list[Tensor]]:
        """The logits of HR and of SR pictures, in (sr, hr) micro-batches, for the first pass of accumulation."""
        with torch.no_grad(), buffers_kept(self.discriminator):
            scores = [(self.judge(hr).image, self.judge(sr).image) for sr, hr in pairs]
        return [real for real, _ in scores], [fake for _, fake in scores]

    def _step_generator(self, lr: Tensor, hr: Tensor) -> tuple[Tensor, Losses]:
        # autocast caches the casts of weights, with or without their graph: the passes with and without
        # gradients must not share one autocast region.
        self.discriminator.requires_grad_(False)
        parts = micro_batches(self.config.optimizer.accumulate, lr, hr)
        all_real, all_fake = self._note_logits(self._enlarged(parts)) if len(parts) > 1 else ([], [])
        results = []

        def eq_9_or_11(index: int, lr: Tensor, hr: Tensor) -> tuple[Tensor, Losses]:
            sr = self.enlarge(lr)
            results.append(sr.detach())
            with torch.no_grad():
                real = self.judge(hr)
                hr_features = self._perceive(hr)
            fake = self.judge(sr)
            entire = losses.generator_image_loss(
                put(real.image, index, all_real), put(fake.image, index, all_fake), self._mean
            )
            seen = {
                "content": losses.content_loss(sr, hr),
                "perceptual": losses.perceptual_loss(self._perceive(sr), hr_features),
                "entire": entire,
            }
            adversarial = entire * len(parts)  # its gradient is a share of the whole, not of a mean of shares
            total = self.weights.content * seen["content"] + self.weights.perceptual * seen["perceptual"]
            for name, term in losses.EXTRA_TERMS.items():
                if weight := getattr(self.weights, name):
                    seen[name] = term(sr, hr)
                    total = total + weight * seen[name]
            if fake.map is not None and real.map is not None:
                seen["fine"] = losses.generator_map_loss(real.map, fake.map)
                seen["attention"] = losses.attention_loss(fake.map, sr, hr)
                adversarial = adversarial + self.weights.fine * seen["fine"]
                total = total + self.weights.attention * seen["attention"]
            return total + self.weights.adversarial * adversarial, seen

        seen = self._update("generator", parts, eq_9_or_11)
        return torch.cat(results), seen

    @torch.no_grad()
    def _enlarged(self, parts: list[tuple[Tensor, ...]]) -> list[tuple[Tensor, ...]]:
        return [(self.enlarge(lr), hr) for lr, hr in parts]

    def _step_discriminator(self, sr: Tensor, hr: Tensor) -> Losses:
        self.discriminator.requires_grad_(True)
        parts = micro_batches(self.config.optimizer.accumulate, sr, hr)
        all_real, all_fake = self._note_logits(parts) if len(parts) > 1 else ([], [])

        def eq_1_and_2(index: int, sr: Tensor, hr: Tensor) -> tuple[Tensor, Losses]:
            real, fake = self.judge(hr), self.judge(sr)
            image = losses.discriminator_image_loss(
                put(real.image, index, all_real), put(fake.image, index, all_fake), self._mean
            )
            seen = {"d_image": image}
            total = image * len(parts)
            if real.map is not None and fake.map is not None:
                seen["d_map"] = self.weights.fine * losses.discriminator_map_loss(real.map, fake.map)
                total = total + seen["d_map"]
            if self.config.optimizer.r1:
                seen["d_r1"] = self.config.optimizer.r1 * self._gradient_penalty(hr)
                total = total + seen["d_r1"]
            seen["d_margin"] = real.image.mean() - fake.image.mean()
            return total, seen

        return self._update("discriminator", parts, eq_1_and_2)

    def _gradient_penalty(self, hr: Tensor) -> Tensor:
        """R1: half the squared gradient of the picture's score by its pixels, mean over the HR pictures."""
        hr = hr.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.judge(hr).image.sum(), hr, create_graph=True)
        return gradient.square().sum(dim=(1, 2, 3)).mean() / 2
