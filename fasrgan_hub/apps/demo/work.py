"""The work itself, without a page around it: files in, files and facts out."""

import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import UserError
from ...images.decoded import DecodedImage
from ...images.reading import read_image
from ...images.writing import WRITABLE, check_output, save_image
from ...metrics import LPIPS, psnr, ssim
from ...metrics.pixels import rgb8
from ...upscaling.score_map import ScoreMap
from ...upscaling.tiles import Progress
from ...upscaling.upscaler import Upscaler
from .model_cache import Settings

SAME = "as it came"
FORMATS = (SAME, "png", "webp", "tif", "jpg")
SEEN = 512
"""Pixels a side that the page shows of a part."""
LPIPS_MOST = 1_500_000
"""Pixels of a result up to which LPIPS is computed."""


@dataclass(frozen=True)
class Outcome:
    """What became of an image.

    Args:
        result: in the format that was asked for.
        before, after: lossless PNG files of one size for the page: the image enlarged with bicubic, the result.
        facts: name -> value, for people.
    """

    result: Path
    before: Path
    after: Path
    facts: dict[str, str]


@dataclass(frozen=True)
class Judgement:
    """A score map as PNG files; the mean score; the share of pixels below 0.5, which are taken for generated; and the
    model whose discriminator judged."""

    overlay: Path
    heat: Path
    legend: Path
    score: float
    doubted: float
    judge: str


def enlarge(
    source: Path,
    folder: Path,
    settings: Settings,
    upscaler: Upscaler,
    ending: str,
    megapixels: float,
    progress: Progress,
) -> tuple[DecodedImage, Path, dict[str, str]]:
    """Enlarge one file into `folder`: the result, its file and its facts."""
    image = read_image(source, megapixels)
    target = folder / target_name(source, settings, ending)
    check_output(target, image, upscaler.enlarged(image.size))
    started = time.monotonic()
    upscaled = upscaler.run(image, progress)
    result = upscaled.image
    seconds = time.monotonic() - started
    save_image(result, target)
    width, height = image.size
    facts = {
        "Input": f"{width}x{height} pixels, {_kilobytes(source)}",
        "Result": f"{result.size[0]}x{result.size[1]} pixels, {_kilobytes(target)}",
        "Time": f"{seconds:.2f} s",
        "Model": settings.model + (f", fidelity {settings.fidelity:g}" if settings.fidelity else ""),
        "Engine": upscaler.engine_name,
    }
    if upscaled.color_shift:
        shifts = ", ".join(f"{shift:.2f}" for shift in upscaled.color_shift)
        facts["Color shift taken out"] = f"{shifts} of 255 (R, G, B)"
    return result, target, facts


def draw(scored: ScoreMap, image: DecodedImage, folder: Path, judge: str) -> Judgement:
    """Write what a score map looks like into a folder."""
    renderings = {"overlay": scored.overlay(image), "heat": scored.heat_map(), "legend": scored.legend()}
    files = {name: folder / f"{name}.png" for name in renderings}
    for name, rendering in renderings.items():
        rendering.save(files[name], compress_level=1)
    return Judgement(**files, score=scored.score, doubted=float((scored.values < 0.5).mean()), judge=judge)


def scores(result: DecodedImage, bicubic: DecodedImage, truth: DecodedImage) -> dict[str, str]:
    """How close the result and bicubic come to the true image. UserError if its size is not theirs."""
    if truth.size != result.size:
        raise UserError(
            f"the true image has {truth.size[0]}x{truth.size[1]} pixels; "
            f"to be compared it must have {result.size[0]}x{result.size[1]}, those of the result"
        )
    ours, theirs, true = (rgb8(image.pixels) for image in (result, bicubic, truth))

    def told(metric: Callable[[np.ndarray, np.ndarray], float], digits: int = 4) -> str:
        return f"{metric(ours, true):.{digits}f} (bicubic {metric(theirs, true):.{digits}f})"

    facts = {"PSNR (Y, dB)": told(psnr, 2), "SSIM (Y)": told(ssim)}
    if result.size[0] * result.size[1] <= LPIPS_MOST:
        with suppress(UserError):  # its weights may not be to be had, and the image may be too small for it
            facts["LPIPS (lower is better)"] = told(LPIPS("0.0").score)
    return facts


def crop(path: Path, across: float, down: float, side: int) -> Image.Image:
    """A square of `side` pixels of an image file; `across` and `down` say where, 0 to 1."""
    with Image.open(path) as image:
        side = min(side, *image.size)
        left, top = (
            round(part * (whole - side)) for part, whole in zip((across, down), image.size, strict=True)
        )
        return image.crop((left, top, left + side, top + side))


def magnified(image: Image.Image) -> Image.Image:
    """A small image with every pixel as a square, so large that the squares are seen."""
    factor = max(1, SEEN // max(image.size))
    return image.resize((factor * image.width, factor * image.height), Image.Resampling.NEAREST)


def pack(files: Sequence[Path], target: Path) -> Path:
    """Put files into a zip; one of a name that is there already gets a number."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        taken: set[str] = set()
        for file in files:
            name, number = file.name, 2
            while name in taken:
                name, number = f"{file.stem}_{number}{file.suffix}", number + 1
            taken.add(name)
            archive.write(file, name)
    return target


def target_name(source: Path, settings: Settings, ending: str) -> str:
    """cat.jpg -> cat_x4.jpg; PNG where the input's format cannot be written."""
    if ending not in FORMATS:
        raise UserError(f"there is no format '{ending}'; there are {', '.join(FORMATS)}")
    if ending == SAME:
        ending = source.suffix.lower() if source.suffix.lower() in WRITABLE else ".png"
    return f"{source.stem}_x{settings.scale:g}.{ending.lstrip('.')}"


def _kilobytes(path: Path) -> str:
    return f"{path.stat().st_size / 1000:,.0f} kB"
