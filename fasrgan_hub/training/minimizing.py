"""Training of a small network in one go: nothing to resume, no data processes, one device."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

REPORT = 100
"""Steps between two lines about the progress."""

Notify = Callable[[str], None]


def minimize(
    loss: Callable[[], Tensor], network: nn.Module, steps: int, rate: float, notify: Notify | None = None
) -> None:
    """AdamW over one cycle of the learning rate, whose highest value is `rate`; `loss` is that of the next batch."""
    optimizer = AdamW(network.parameters(), rate, weight_decay=1e-2)
    schedule = OneCycleLR(optimizer, rate, steps)
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
