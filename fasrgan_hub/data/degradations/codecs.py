"""Lossy files of JPEG, WebP and AVIF, by the encoders that Pillow has."""

import io
import warnings
from functools import cache
from typing import Any

import numpy as np
import PIL
from PIL import Image, features

FORMATS = ("jpeg", "webp", "avif")
SUBSAMPLING = ("4:4:4", "4:2:2", "4:2:0")

GRID = 16
"""Largest block of JPEG with 4:2:0, in pixels: grids are shifted by less than that."""


def compress(
    image: np.ndarray, form: str, quality: int, subsampling: str, shift: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """Encode and decode (H, W, 3) uint8.

    Args:
        form: of `FORMATS`; without AVIF in Pillow, WebP takes its place with a warning.
        quality: 1 to 100, on the encoder's own scale.
        subsampling: of `SUBSAMPLING`, for JPEG and AVIF; WebP has 4:2:0 alone.
        shift: rows and columns that the grid of blocks begins above and left of the image.
    """
    if form == "avif" and not has_avif():
        form = "webp"
    rows, columns = shift
    shifted = np.pad(image, ((rows, 0), (columns, 0), (0, 0)), "edge")
    file = io.BytesIO()
    Image.fromarray(shifted).save(file, **_options(form, quality, subsampling))
    with Image.open(file) as decoded:
        return np.asarray(decoded.convert("RGB"))[rows:, columns:]


def _options(form: str, quality: int, subsampling: str) -> dict[str, Any]:
    if form == "jpeg":
        return {"format": "JPEG", "quality": quality, "subsampling": subsampling}
    if form == "webp":
        return {"format": "WEBP", "quality": quality}
    # One thread: data workers are processes already, and a result must not depend on the number of cores.
    return {"format": "AVIF", "quality": quality, "subsampling": subsampling, "speed": 8, "max_threads": 1}


@cache
def has_avif() -> bool:
    """Whether Pillow can write AVIF; warns once if not."""
    if features.check("avif"):
        return True
    warnings.warn("this Pillow cannot write AVIF; WebP takes its place in degradations", stacklevel=3)
    return False


def codec_versions() -> dict[str, str]:
    """The libraries that decide what compressed pixels are, with their versions."""
    libraries = {"jpeg": "libjpeg_turbo", "webp": "webp", "avif": "avif"}
    versions = {form: features.version(library) or "none" for form, library in libraries.items()}
    return {"pillow": PIL.__version__, **versions}
