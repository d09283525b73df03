"""The most memory that a training step takes, each case in a process of its own."""

import multiprocessing
import os
from pathlib import Path
from typing import Any

GIB = 1024**3


def peak(choices: dict[str, Any], steps: int = 2) -> int:
    """Bytes at the peak of `steps` steps on random crops; `choices` are fields of the training configuration.

    The second step has the state of both optimizers. On a GPU it is what its tensors take at most, otherwise what
    the process does, Python and all.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (choices, steps))


def available() -> int:
    """Bytes that a training step could take now."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.mem_get_info()[0]
    return _kib("/proc/meminfo", "MemAvailable") * 1024


def _peak(choices: dict[str, Any], steps: int) -> int:
    import torch
    from accelerate import Accelerator

    from fasrgan_hub.training.recipes import make_config
    from fasrgan_hub.training.starting import build_stage

    config = make_config(choices)
    accelerator = Accelerator(mixed_precision=config.precision)
    stage = build_stage(config, accelerator)
    side = config.data.crop
    for _ in range(steps):
        lr = torch.rand(config.data.batch, 3, side // 4, side // 4, device=accelerator.device)
        stage.step(lr, torch.rand(config.data.batch, 3, side, side, device=accelerator.device))
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return _kib("/proc/self/status", "VmHWM") * 1024


def _kib(file: str, name: str) -> int:
    """A size from a file of Linux's /proc."""
    if os.name != "posix" or not Path(file).exists():
        from fasrgan_hub.errors import UserError

        raise UserError("memory is measured on Linux, or on a GPU; leave it out with --parts")
    line = next(line for line in Path(file).read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])
