"""`scripts/benchmark.py training`: Steps in a second, the wait for data, and memory of training."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fasrgan_hub.apps.cli.options import option, parse_count
from fasrgan_hub.errors import UserError

if TYPE_CHECKING:
    from fasrgan_hub.training.config import TrainConfig

Step = Callable[[int], Any]
"""Makes one step, and is told how many came before it."""
PARTS = ("speed", "memory")
PAPER = {"system": "fasrgan", "stage": "gan"}


@dataclass
class Options:
    system: str = "fasrgan-lite"
    """what to train (default: fasrgan-lite)"""
    stage: str = option(default="gan", choices=["psnr", "gan"])
    """default: gan"""
    data: str | None = option("SOURCE")
    """as for train.py (default: eight images of 2040x1356, made up)"""
    degradation: str = option("WHAT", default="clean")
    """how LR images are made (default: clean)"""
    workers: int | None = option("N", type=parse_count)
    """data processes (default: 0, on a GPU 2)"""
    precision: str = option(default="no", choices=["no", "bf16"])
    """the trainer's (default: no, which is f32)"""
    steps: int = option("N", default=6, type=parse_count)
    """of a block (default: 6)"""
    blocks: int = option("N", default=4, type=parse_count)
    """best of so many (default: 4)"""
    parts: str = ",".join(PARTS)
    """speed, memory or both (default: both)"""
    batch: int = option("N", default=16, type=parse_count)
    """of the step whose memory is taken (default: 16)"""


def run(options: Options) -> int:
    """Measure the trainer with streaming data against a bare PyTorch loop with its batches in memory, f32 against
    bf16, and the most memory that a step of the paper's FASRGAN takes.
    """
    parts = options.parts.split(",")
    for part in parts:
        if part not in PARTS:
            raise UserError(f"there is no part '{part}'; there are {', '.join(PARTS)}")
    if not options.steps or not options.blocks or not options.batch:
        raise UserError("steps, blocks and batch must be positive")
    if "speed" in parts:
        measure_speed(options)
    if "memory" in parts:
        measure_memory(options.batch, options.precision)
    return 0


def measure_speed(options: Options) -> None:
    """Blocks of steps of the trainer, of the bare loop and of the bare loop in the other precision, in turn."""
    from tempfile import TemporaryDirectory

    from accelerate import Accelerator

    from fasrgan_hub.training.loop import set_up

    with TemporaryDirectory() as folder:
        config = speed_config(options, Path(folder))
        accelerator = Accelerator(mixed_precision=config.precision)
        run = set_up(config, accelerator)
        steps = {"trainer": lambda _: run.train_step(), **bare_steps(config, accelerator)}
        for step in steps.values():
            timed(step, 2)
        run.waited = 0.0
        times: dict[str, list[float]] = {name: [] for name in steps}
        for _ in range(options.blocks):
            for name, step in steps.items():
                times[name].append(timed(step, options.steps))
    print_speed(options, config, times, run.waited)


def speed_config(options: Options, folder: Path) -> "TrainConfig":
    """A run without an end, whose shuffle buffer lasts for a block: each block decodes as many images as the next."""
    import torch

    from fasrgan_hub.training.nested import override
    from fasrgan_hub.training.recipes import make_config

    data = options.data or f"folder:{photographs(folder / 'photographs')}"
    workers = options.workers if options.workers is not None else 2 * torch.cuda.is_available()
    config = make_config(
        {
            "system": options.system,
            "stage": options.stage,
            "output": str(folder / "run"),
            "precision": options.precision,
            "steps": 10**9,
            "data": {"source": data, "workers": workers, "degradation": options.degradation},
            "optimizer": {"cosine_steps": 10**9},
            "checkpoints": {"every": 10**9},
            "logging": {"every": options.steps, "trackers": ()},
        }
    )
    images = -(-options.steps * config.data.batch // config.data.crops_per_image)
    return override(config, {"data": {"shuffle_buffer": images}})


def bare_steps(config: "TrainConfig", accelerator: Any) -> dict[str, Step]:
    """Steps of the bare loop in the precision of the run, "same", and in the other one, on batches in memory."""
    from fasrgan_hub.training.loop import make_loader
    from fasrgan_hub.training.nested import override

    from .bare_loop import BareLoop

    bf16 = config.precision == "bf16"
    same, other = (BareLoop(config, precision, accelerator.device) for precision in (bf16, not bf16))
    batches = [
        {name: x.to(accelerator.device) for name, x in batch.items()}
        for batch in islice(make_loader(override(config, {"data": {"workers": 0}}), accelerator), 4)
    ]
    return {
        "same": lambda number: same.step(batches[number % len(batches)]),
        "other": lambda number: other.step(batches[number % len(batches)]),
    }


def timed(step: Step, count: int) -> float:
    """The seconds of so many steps."""
    import torch

    started = time.perf_counter()
    for number in range(count):
        step(number)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


def print_speed(
    options: Options, config: "TrainConfig", times: Mapping[str, Sequence[float]], waited: float
) -> None:
    """Steps in a second by the best block of each case, and what they are to one another."""
    rate = {name: options.steps / min(seconds) for name, seconds in times.items()}
    bf16 = config.precision == "bf16"
    names = {"trainer": "trainer, streaming", "same": "bare loop, in memory", "other": "bare loop, in memory"}
    print(
        f"{config.system}, stage {config.stage}: {config.data.batch} crops of {config.data.crop}x{config.data.crop}, "
        f"{options.degradation}, {config.data.workers} data processes, {device_name()}; "
        f"best of {options.blocks} blocks of {options.steps} steps, in turn"
    )
    for name, label in names.items():
        precision = "bf16" if bf16 != (name == "other") else "f32"
        spread = max(times[name]) / min(times[name])
        print(f"  {label:22}{precision:5}{rate[name]:8.3f} steps/s   slowest block {spread:.2f}x the best")
    faster, slower = ("same", "other") if bf16 else ("other", "same")
    print(f"  trainer / bare loop   {rate['trainer'] / rate['same']:.3f}")
    print(f"  bf16 / f32            {rate[faster] / rate[slower]:.2f}")
    print(f"  waiting for data      {waited / sum(times['trainer']):.1%} of the trainer's time")


def measure_memory(batch: int, precision: str) -> None:
    """A step of the paper's FASRGAN at `batch` where that should fit, and with the generator recomputed.

    Below a few images the optimizers' states set the peak: a line through those would mislead.
    """
    from .peak_memory import GIB, available, peak

    print(
        f"memory of a step of FASRGAN on crops of 192x192 (LR 48x48), "
        f"{'bf16' if precision == 'bf16' else 'f32'}, {device_name()}"
    )
    small, half = max(1, batch // 4), max(2, batch // 2)
    for recompute in (False, True):
        choices = {**PAPER, "precision": precision, "gradient_checkpointing": recompute}
        low, high = (peak({**choices, "data": {"batch": size}}) for size in (small, half))
        expected = high + (batch - half) * (high - low) / (half - small)
        free = available()
        if expected > 0.9 * free:
            last = f"{expected / GIB:.1f} by a straight line (not run: {free / GIB:.1f} are free)"
        else:
            last = f"{peak({**choices, 'data': {'batch': batch}}) / GIB:.1f} measured"
        name = "generator recomputed" if recompute else "as it is"
        print(
            f"  {name:22}{small} images {low / GIB:.1f} GiB, {half} {high / GIB:.1f}, {batch} {last}",
            flush=True,
        )


def photographs(folder: Path, number: int = 8) -> Path:
    """Images as large as DIV2K's, half JPEG, half PNG: noise of every size alike, which codes like a photograph."""
    import numpy as np
    from PIL import Image

    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(number):
        image = np.zeros((1356, 2040, 3), np.float32)
        for octave in range(1, 9):
            noise = rng.integers(0, 256, (1356 // 2**octave + 1, 2040 // 2**octave + 1, 3), np.uint8)
            layer = Image.fromarray(noise).resize((2040, 1356), Image.Resampling.BICUBIC)
            image += 0.14 * np.asarray(layer, np.float32)
        pil_image = Image.fromarray(image.clip(0, 255).astype(np.uint8))
        pil_image.save(folder / f"{index}.{('jpg', 'png')[index % 2]}", quality=92, compress_level=6)
    return folder


def device_name() -> str:
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU ({torch.get_num_threads()} threads)"
