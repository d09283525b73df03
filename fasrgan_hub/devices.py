"""Where networks run."""

from typing import Any

import torch
from torch import nn

from .errors import UserError


def move(network: nn.Module, device: str | torch.device | None, **options: Any) -> torch.device:
    """Move a network to a device, which is returned; None is CUDA if there is one, else the CPU.

    The options are others of `nn.Module.to`. Raises UserError for a device that cannot be used.
    """
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        network.to(torch.device(device), **options)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device '{device}' cannot be used: {str(error).splitlines()[0]}") from error
    return torch.device(device)
