"""The computation of a job: files in, files and facts out. It knows nothing of the page."""

import time
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import UserError
from ...images.decoded import DecodedImage
from ...images.reading import opened, read_image
from ...images.writing import WRITABLE, check_output, save_image
from ...metrics import LPIPS, psnr, ssim
from ...metrics.pixels import rgb8
from ...upscaling.tiles import Progress
from .model_cache import ModelCache, UpscaleSettings

SAME_FORMAT = "same as the input"
FORMATS = (SAME_FORMAT, "png", "webp", "tif", "jpg")
MAGNIFIED_SIDE = 512
"""Pixels per side of a magnified part."""
MAX_LPIPS_PIXELS = 1_500_000
"""Largest result for which LPIPS is computed."""


@dataclass(frozen=True)
class UpscaleResult:
    """Files of an enlarged image.

    Args:
        download: the result in the requested format.
        before, after: lossless PNG files of one size for the page: the image enlarged with bicubic, the result.
        facts: name -> value, to be read by people.
        source: the file that was enlarged.
        settings: with the model that did it.
    """

    download: Path
    before: Path
    after: Path
    facts: dict[str, str]
    source: Path = Path()
    settings: UpscaleSettings = field(default_factory=UpscaleSettings)


def upscale_file(
    source: Path,
    folder: Path,
    settings: UpscaleSettings,
    models: ModelCache,
    file_format: str,
    megapixels: float,
    progress: Progress,
) -> tuple[DecodedImage, Path, UpscaleSettings, dict[str, str]]:
    """Enlarge a file of at most `megapixels` and write the result into `folder`.

    Returns the result, its file, the settings with the model that did it, and facts.
    """
    image = read_image(source, megapixels)
    settings, note = models.choose(settings, image)
    upscaler = models.upscaler(settings)
    target = folder / target_name(source, settings, file_format)
    check_output(target, image, upscaler.enlarged(image.size))
    started = time.monotonic()
    upscaled = upscaler.run(image, progress)
    seconds = time.monotonic() - started
    save_image(upscaled.image, target)
    facts = {
        "Input": _describe(image, source),
        "Result": _describe(upscaled.image, target),
        "Time": f"{seconds:.2f} s",
        "Model": str(settings),
        **note,
        "Engine": upscaler.engine_name,
    }
    if upscaled.color_shift:
        shifts = ", ".join(f"{shift:.2f}" for shift in upscaled.color_shift)
        facts["Corrected color shift"] = f"{shifts} of 255 (R, G, B)"
    return upscaled.image, target, settings, facts


def compare(result: DecodedImage, bicubic: DecodedImage, truth: DecodedImage) -> dict[str, str]:
    """Scores of the result and of bicubic against the true image. UserError if its size is not that of the result."""
    if truth.size != result.size:
        raise UserError(
            f"the true image has {truth.size[0]}x{truth.size[1]} pixels; "
            f"to be compared it must have {result.size[0]}x{result.size[1]}, those of the result"
        )
    result_pixels, bicubic_pixels, true_pixels = (rgb8(image.pixels) for image in (result, bicubic, truth))

    def score(metric: Callable[[np.ndarray, np.ndarray], float], digits: int = 4) -> str:
        ours, theirs = metric(result_pixels, true_pixels), metric(bicubic_pixels, true_pixels)
        return f"{ours:.{digits}f} (bicubic {theirs:.{digits}f})"

    facts = {"PSNR (Y, dB)": score(psnr, 2), "SSIM (Y)": score(ssim)}
    if result.size[0] * result.size[1] <= MAX_LPIPS_PIXELS:
        with suppress(UserError):  # its weights may not be available, and the image may be too small for it
            facts["LPIPS (lower is better)"] = score(LPIPS("0.0").score)
    return facts


def magnify(path: Path, across: float, down: float, side: int) -> Image.Image:
    """A square of `side` pixels of an image file, each of which is drawn as a square.

    `across` and `down`, from 0 to 1, say where. The result has about `MAGNIFIED_SIDE` pixels per side.
    """
    with opened(path, max_megapixels=1e6) as image:
        side = min(side, *image.size)
        left, top = round(across * (image.width - side)), round(down * (image.height - side))
        part = image.crop((left, top, left + side, top + side))
    factor = max(1, MAGNIFIED_SIDE // side)
    return part.resize((factor * side, factor * side), Image.Resampling.NEAREST)


def pack(files: Sequence[Path], target: Path) -> Path:
    """Write files into a zip file. A name that occurs again gets a number."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            name, numbers = file.name, count(2)
            while name in archive.namelist():
                name = f"{file.stem}_{next(numbers)}{file.suffix}"
            archive.write(file, name)
    return target


def target_name(source: Path, settings: UpscaleSettings, file_format: str) -> str:
    """cat.jpg -> cat_x4.jpg; PNG where the format of the input cannot be written."""
    if file_format not in FORMATS:
        raise UserError(f"there is no format '{file_format}'; there are {', '.join(FORMATS)}")
    if file_format == SAME_FORMAT:
        file_format = source.suffix.lower() if source.suffix.lower() in WRITABLE else ".png"
    return f"{source.stem}_x{settings.scale:g}.{file_format.lstrip('.')}"


def _describe(image: DecodedImage, path: Path) -> str:
    width, height = image.size
    return f"{width}x{height} pixels, {path.stat().st_size / 1000:,.0f} kB"
