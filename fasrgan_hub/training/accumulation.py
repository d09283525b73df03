"""Steps over batches that do not fit into memory at once: micro-batches whose gradients add up exactly.

Most losses are means over pictures, so that a batch's gradient is the mean of its micro-batches'. The relativistic
losses (Eq. 1 and 7) are not: each picture is compared with the average of all others, so that every logit acts on
every term. For them a first pass without gradients notes the logits of the whole batch; in the second pass each
micro-batch puts its own logits, which now carry gradients, in their places. The loss it sees is that of the whole
batch, its gradient the share of these pictures, and the shares add up to the gradient without accumulation.

Batch norm without `synchronized` takes the statistics of each micro-batch, as it takes those of each process's share.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def micro_batches(count: int, *tensors: Tensor) -> list[tuple[Tensor, ...]]:
    """`tensors`, of equally many pictures, cut into `count` equal parts: [(part of the first, ...), ...]."""
    return list(zip(*(x.chunk(count) for x in tensors), strict=True))


def put(own: Tensor, index: int, noted: list[Tensor]) -> Tensor:
    """The logits of the whole batch: `own` in the place of the noted ones of micro-batch `index`.

    Without accumulation nothing is noted, and the micro-batch is the whole.
    """
    return torch.cat([*noted[:index], own, *noted[index + 1 :]])


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
