"""Steps over batches that do not fit into memory at once: micro-batches whose gradients add up exactly.

Most losses are means over images, so that a batch's gradient is the mean of its micro-batches'. The relativistic
losses (Eq. 1 and 7) are not: each image is compared with the average of all others, so that every logit acts on
every term. For them a first pass without gradients computes the logits of the whole batch. In the second pass each
micro-batch replaces its own logits by ones with gradients. Its loss is that of the whole batch, its gradient the
share of its images, and the shares add up to the gradient without accumulation.

Batch norm takes the statistics of each micro-batch, as it takes those of each process's share.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


def micro_batches(count: int, *tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """`tensors`, of equally many images, cut into `count` equal parts: [(part of the first, ...), ...]."""
    return list(zip(*(x.chunk(count) for x in tensors), strict=True))


@dataclass(frozen=True)
class BatchLogits:
    """The image logits of all micro-batches of a batch, without gradients; empty without accumulation."""

    real: Sequence[Tensor] = ()
    fake: Sequence[Tensor] = ()

    @property
    def parts(self) -> int:
        """The number of micro-batches."""
        return max(1, len(self.real))

    def whole(self, index: int, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The logits of the whole batch, (N, 1) each, with those of micro-batch `index` replaced."""
        return _replaced(self.real, index, real), _replaced(self.fake, index, fake)


def _replaced(parts: Sequence[Tensor], index: int, part: Tensor) -> Tensor:
    return torch.cat([*parts[:index], part, *parts[index + 1 :]])


def mean_terms(reports: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of each loss term over micro-batches, without gradients."""
    return {name: torch.stack([report[name].detach() for report in reports]).mean() for name in reports[0]}


@contextmanager
def buffers_kept(network: nn.Module) -> Iterator[None]:
    """Afterwards the buffers (batch norm's running statistics, spectral norm's vectors) are what they were."""
    before = [buffer.clone() for buffer in network.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in zip(network.buffers(), before, strict=True):
                buffer.copy_(value)
