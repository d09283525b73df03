"""Validation on the way: scores of the averaged generator on benchmark folders, and strips to look at."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..data.pairs import images, pair
from ..errors import UserError
from ..evaluation import METRICS, evaluate
from ..evaluation.cards import card_metrics
from ..evaluation.image_pairs import make_lr
from ..images.reading import read_image
from ..metrics.niqe import BLOCK
from ..metrics.pixels import rgb8
from ..models.generators import Generator
from ..upscaling.score_map import ScoreMapPredictor
from ..upscaling.tiles import ZEROS
from ..upscaling.upscaler import Upscaler
from .config_groups import BenchmarkFolders, ValidationConfig

STRIP = 64
"""Side of the LR patch that a strip shows, in pixels."""
ROWS = 3
"""Images of each benchmark that have a strip."""
CAPTION = 20

Files = tuple[Path, Path | None]


def rehearse(config: ValidationConfig, scale: int) -> None:
    """Score bicubic on the smallest image of every benchmark: a mistake shows at the start, not after hours.

    Args:
        scale: of the generator.

    Raises UserError for unknown metrics, for what is not there, for images without a partner or too small for a
    metric, for LR images of another scale, and for weights of a metric that cannot be had.
    """
    for name in config.metrics:
        if name not in METRICS:
            raise UserError(f"there is no metric '{name}'; there are {', '.join(METRICS)}")
    for name, benchmark in config.benchmarks.items():
        try:
            original, small = min(_files(benchmark), key=_smallness)
            evaluate("bicubic", hr=original, lr=small, metrics=_metrics(config), scale=scale)
        except UserError as error:
            raise type(error)(f"validation on {name}: {error}") from error


def validate(
    generator: Generator, config: ValidationConfig, samples: Path, predictor: ScoreMapPredictor | None = None
) -> dict[str, float]:
    """Score `generator` on every benchmark: {"Set5 psnr": 29.8, ...}. Strips go to the image `samples`.

    Neither the generator nor what `predictor` was made of is changed: both work on copies.
    """
    upscaler = Upscaler(generator, engine="torch", precision="f32", edges=ZEROS)
    scores: dict[str, float] = {}
    shown: list[Files] = []
    for name, benchmark in config.benchmarks.items():
        report = evaluate(upscaler, hr=benchmark.hr, lr=benchmark.lr, metrics=_metrics(config))
        scores |= {f"{name} {metric}": value for metric, value in report.means.items()}
        shown += _files(benchmark)[:ROWS]
    draw_strips(upscaler, shown, samples, predictor)
    return scores


def _metrics(config: ValidationConfig) -> str:
    return ",".join(card_metrics(config.metrics))


def draw_strips(
    upscaler: Upscaler, files: list[Files], target: Path, predictor: ScoreMapPredictor | None = None
) -> None:
    """Draw for each original the middle of its LR (pixels enlarged), the result, the original and its score map.

    Args:
        files: originals, each with its LR image or None for MATLAB's bicubic.
        target: the PNG to write; its folder is made.
        predictor: predicts the score map of the result; one without a map adds no column.
    """
    captions = ["LR", "result", "original"]
    if predictor is not None and predictor.has_map:
        captions.append("score map of the result (bright: taken for real)")
    scale = upscaler.model_scale
    cell = scale * STRIP
    sheet = Image.new("RGB", (len(captions) * cell, CAPTION + len(files) * cell), "white")
    draw = ImageDraw.Draw(sheet)
    for column, caption in enumerate(captions):
        draw.text((column * cell + 4, 4), caption, "black", ImageFont.load_default(10))
    for row, (original, small) in enumerate(files):
        lr, hr = _patches(original, small, scale)
        result = upscaler(lr)
        parts = [lr.repeat(scale, axis=0).repeat(scale, axis=1), result, hr]
        if predictor is not None and predictor.has_map:
            parts.append(np.asarray(predictor(result).heat_map()))
        for column, part in enumerate(parts):
            sheet.paste(Image.fromarray(part), (column * cell, CAPTION + row * cell))
    target.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(target)


def _files(benchmark: BenchmarkFolders) -> list[Files]:
    """The originals of a benchmark, each with its LR image where there is one."""
    if benchmark.lr is None:
        return [(path, None) for path in images(Path(benchmark.hr))]
    return list(pair(Path(benchmark.hr), Path(benchmark.lr)))


def _smallness(files: Files) -> tuple[int, int]:
    """Blocks that NIQE sees, then the shorter side."""
    try:
        with Image.open(files[0]) as image:
            width, height = image.size
    except OSError:
        return 0, 0  # what cannot be read is found out first
    return (width // BLOCK) * (height // BLOCK), min(width, height)


def _patches(original: Path, small: Path | None, scale: int) -> tuple[np.ndarray, np.ndarray]:
    """The middle of an image: (h, w, 3) uint8 of its LR, at most STRIP a side, and what belongs to it of the HR."""
    hr = rgb8(read_image(original).pixels)
    lr = make_lr(hr, scale) if small is None else rgb8(read_image(small).pixels)
    rows, columns = (min(s, h // scale) for s, h in zip(lr.shape[:2], hr.shape[:2], strict=True))
    height, width = min(STRIP, rows), min(STRIP, columns)
    top, left = (rows - height) // 2, (columns - width) // 2
    part = hr[scale * top : scale * (top + height), scale * left : scale * (left + width)]
    return lr[top : top + height, left : left + width], part
