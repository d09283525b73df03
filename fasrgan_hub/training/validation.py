"""Validation on the way: scores of the averaged generator on a benchmark folder, and strips to look at."""

from pathlib import Path

import numpy as np
from PIL import Image

from ..data.sources import list_pictures
from ..errors import UserError
from ..evaluation import evaluate
from ..models.generators import Generator
from ..upscaling.upscaler import Upscaler

STRIP = 64
"""Side of the LR patch that a strip shows, in pixels."""


def benchmarks(spec: str) -> dict[str, tuple[str, str | None]]:
    """ "Set5=HR_DIR,LR_DIR;Mine=HR_DIR" -> {"Set5": (HR_DIR, LR_DIR), "Mine": (HR_DIR, None)}."""
    result: dict[str, tuple[str, str | None]] = {}
    for part in filter(None, spec.split(";")):
        name, equals, folders = part.partition("=")
        if not equals or " " in name:
            raise UserError(
                f"validation is '{part}'; write NAME=HR_DIR or NAME=HR_DIR,LR_DIR, separated by ;"
            )
        hr, _, lr = folders.partition(",")
        result[name] = (hr, lr or None)
    return result


def validate(generator: Generator, spec: str, metrics: str, samples: Path) -> dict[str, float]:
    """Score `generator` on every benchmark of `spec`: {"Set5 psnr": 29.8, ...}. Strips go to the picture `samples`."""
    upscaler = Upscaler(generator)
    scores: dict[str, float] = {}
    originals: list[Path] = []
    for name, (hr, lr) in benchmarks(spec).items():
        report = evaluate(upscaler, hr=hr, lr=lr, metrics=metrics.split(","))
        scores |= {f"{name} {metric}": value for metric, value in report.means.items()}
        originals += list_pictures(Path(hr))[:3]
    draw_strips(upscaler, originals, samples)
    return scores


def draw_strips(upscaler: Upscaler, originals: list[Path], target: Path) -> None:
    """A picture with one row for each original: the centre of its LR (pixels enlarged), the result, the original."""
    rows = []
    for path in originals:
        with Image.open(path) as image:
            hr = image.convert("RGB")
        side = min(STRIP, hr.width // 4, hr.height // 4)
        left, top = (hr.width // 4 - side) // 2 * 4, (hr.height // 4 - side) // 2 * 4
        hr = hr.crop((left, top, left + 4 * side, top + 4 * side))
        lr = hr.resize((side, side), Image.Resampling.BICUBIC)
        parts = (lr.resize(hr.size, Image.Resampling.NEAREST), upscaler(lr), hr)
        row = np.zeros((4 * STRIP, 3 * 4 * STRIP, 3), np.uint8)
        for index, part in enumerate(parts):
            row[: hr.height, index * 4 * STRIP : index * 4 * STRIP + hr.width] = np.asarray(part)
        rows.append(row)
    target.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(target)
