"""The first stage: L1 pre-training of the generator (Eq. 3), and what both stages have in common.

A stage owns the networks, their optimizers and schedules, and the EMA of the networks; `step` takes a batch and
returns the losses. Networks are not wrapped for data parallelism: gradients are averaged over the processes after
the backward passes, because the shared extractor of Fs-SRGAN is moved by both optimizers (by the generator's
through LR -> E -> G and SR -> E -> D, and by the discriminator's through E(HR) and E(SR)).
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from .. import losses
from ..models.generators import Generator
from .accumulation import mean_terms, micro_batches
from .config import TrainConfig
from .gradients import average_gradients, clip_gradients, require_finite
from .schedule import learning_rate_factor

Terms = dict[str, Tensor]
"""Loss terms by name, each a scalar."""


class PixelStage:
    """L1 pre-training (Eq. 3) of the generator, with its extractor where it has one."""

    def __init__(self, config: TrainConfig, accelerator: Accelerator, generator: Generator):
        self.config = config
        self.accelerator = accelerator
        self.generator = self._place(generator)
        self._generate = self._compiled(self.generator)
        self.averages: dict[str, AveragedModel] = {}
        self.optimizers: dict[str, Adam] = {}
        self.schedulers: dict[str, LambdaLR] = {}
        self._optimize("generator", self.generator.parameters())
        self._average("generator")

    def step(self, lr: Tensor, hr: Tensor) -> Terms:
        """One iteration on this process's share of a batch, (N, 3, h, w) and (N, 3, sh, sw); the loss terms."""
        parts = micro_batches(self.config.optimizer.accumulate, lr, hr)
        contents = (losses.content_loss(self.upscale(lr), hr) for lr, hr in parts)
        terms = self._descend("generator", ((loss, {"content": loss}) for loss in contents))
        self._advance()
        return terms

    @property
    def result(self) -> Generator:
        """The generator to score and to save: its EMA where there is one."""
        return self._result("generator")

    def upscale(self, lr: Tensor) -> Tensor:
        """SR images. Raises NonFiniteError before what is not finite can spoil running statistics."""
        with self.accelerator.autocast():
            sr = self._generate(lr)
        require_finite(self.accelerator, sr)
        return sr.to(lr.dtype)

    def local_buffers(self) -> dict[str, Tensor]:
        """What each process has of its own: the running statistics of batch norm over its share of the data."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Any]:
        groups: dict[str, dict[str, Any]]
        groups = {"average": self.averages, "optimizer": self.optimizers, "scheduler": self.schedulers}
        named = {f"{kind}_{name}": part for kind, group in groups.items() for name, part in group.items()}
        return {"generator": self.generator, **named}

    def _descend(self, name: str, losses: Iterable[tuple[Tensor, Terms]]) -> Terms:
        """A step of the optimizer of that name; the means of the loss terms.

        Args:
            losses: of each micro-batch the loss and its terms, computed one after the other to save memory.
        """
        optimizer, terms = self.optimizers[name], []
        optimizer.zero_grad()
        for loss, part_terms in losses:
            self.accelerator.backward(loss / self.config.optimizer.accumulate)
            terms.append(part_terms)
        average_gradients(self.accelerator, optimizer)
        clip_gradients(self.accelerator, optimizer, self.config.optimizer.clip)
        optimizer.step()
        return mean_terms(terms)

    def _place(self, module: Any) -> Any:
        return module.train().to(self.accelerator.device, memory_format=torch.channels_last)

    def _compiled(self, module: nn.Module) -> Callable[..., Any]:
        """`module` for use in a step, with the same weights."""
        return torch.compile(module, dynamic=False) if self.config.compile else module

    def _optimize(self, name: str, parameters: Iterable[nn.Parameter]) -> None:
        """An optimizer of that name and its schedule."""
        settings = self.config.optimizer
        optimizer = Adam(parameters, lr=settings.lr, betas=(0.9, 0.999))
        self.optimizers[name] = optimizer
        self.schedulers[name] = LambdaLR(optimizer, lambda step: learning_rate_factor(settings, step))

    def _average(self, name: str) -> None:
        """From now on keep an EMA of the network of that name, if the run wants it."""
        if decay := self.config.optimizer.ema:
            self.averages[name] = AveragedModel(getattr(self, name), multi_avg_fn=get_ema_multi_avg_fn(decay))

    def _result(self, name: str) -> Any:
        return self.averages[name].module if name in self.averages else getattr(self, name)

    def _advance(self) -> None:
        """The end of a step: the EMA follows, and every learning rate goes by the same count of steps."""
        for name, average in self.averages.items():
            average.update_parameters(getattr(self, name))
        for scheduler in self.schedulers.values():
            scheduler.step()
