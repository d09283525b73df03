"""Gradients over processes: their mean, their norm, and the refusal of what is not finite."""

from collections.abc import Iterable
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, distributed, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim import Optimizer


class NonFiniteError(Exception):
    """A result or a gradient was infinite or NaN on some process; no process made the update it belongs to."""


def require_finite(accelerator: Accelerator, x: Tensor) -> None:
    """Raise NonFiniteError on every process if `x` is not finite on one: all take the same steps."""
    if accelerator.reduce((~torch.isfinite(x)).any().float(), "sum"):
        raise NonFiniteError


def mean_over_batch(accelerator: Accelerator, x: Tensor) -> Tensor:
    """The mean over the whole batch of all processes; its gradient reaches the values of every process."""
    if accelerator.num_processes == 1:
        return x.mean()
    return _Sum.apply(x.mean()) / accelerator.num_processes


class _Sum(torch.autograd.Function):
    """The sum over the processes, whose losses all depend on it: so the gradient is summed too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.detach().clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total


def average_gradients(accelerator: Accelerator, optimizer: Optimizer) -> None:
    """Replace the gradients of the optimizer's parameters by their mean over the processes."""
    if accelerator.num_processes > 1:
        for parameter in _with_gradient(optimizer):
            parameter.grad = accelerator.reduce(parameter.grad, "mean")


def clip_gradients(accelerator: Accelerator, optimizer: Optimizer, limit: float) -> None:
    """Scale the gradients of the optimizer's parameters to a norm of `limit` at most (0: no limit).

    Raises NonFiniteError if one is not finite.
    """
    parameters = list(_with_gradient(optimizer))
    norm = get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    require_finite(accelerator, norm)
    if limit:
        clip_grads_with_norm_(parameters, limit, norm)


def _with_gradient(optimizer: Optimizer) -> Iterable[nn.Parameter]:
    for group in optimizer.param_groups:
        yield from (parameter for parameter in group["params"] if parameter.grad is not None)
