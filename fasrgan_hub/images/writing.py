"""Images out: every format takes the bands of rows of a result, from top to bottom.

PNG and TIFF are written as the bands come. Other formats are Pillow's, which needs the whole image.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from ..errors import UserError
from .atomic import replace_file
from .decoded import DecodedImage, join_bands, to_image
from .png import write_png
from .reading import one_line, register_plugin
from .tiff import write_tiff

_FORMATS = {
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".jxl": "JXL",
}
WRITABLE = frozenset(_FORMATS)

_STREAMED = {"PNG", "TIFF"}
_MOVING = {"PNG", "WEBP", "GIF"}

WHOLE_MEGAPIXELS = 400
"""The largest result in another format, which has to be in memory, 7 bytes a pixel, before it can be written."""

QUALITY = 95
"""Of the lossy formats, unless another is asked for: 1 to 100 as Pillow and its plug-ins count."""

_LOSSLESS: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True, "exact": True}, "JXL": {"lossless": True}}
_LOSSY: dict[str, dict[str, Any]] = {
    "WEBP": {"exact": True},
    "JPEG": {"subsampling": 0},
    "AVIF": {"subsampling": "4:4:4"},
    "HEIF": {"chroma": 444},
    "JXL": {},
}
_PLUGINS = {"HEIF": ("HEIC", "pillow_heif"), "JXL": ("JPEG XL", "pillow_jxl")}
_LONGEST_SIDE = {"JPEG": 65_535, "WEBP": 16_383, "GIF": 65_535, "AVIF": 65_536, "HEIF": 65_536}


def require_writable_name(path: str | Path) -> None:
    """Raise UserError unless the name ends in a format that can be written."""
    if Path(path).suffix.lower() not in WRITABLE:
        raise UserError(f"cannot write '{path}': its name must end in .png, .webp, .tif or .jpg")


def check_output(
    path: str | Path, like: DecodedImage, size: tuple[int, int] | None = None, frames: int = 1
) -> None:
    """Raise UserError if the format that `path` names cannot hold the result.

    Args:
        like: what the result has in common with its source: channels and bits.
        size: (width, height) of the result; default that of `like`.
        frames: more than 1 for an animation.
    """
    require_writable_name(path)
    name = format_of(path)
    if name in _PLUGINS:
        register_plugin(_PLUGINS[name][1], _PLUGINS[name][0], path)
    if frames > 1 and name not in _MOVING:
        raise UserError(f"cannot write '{path}': {name} holds no {frames} frames; use .png, .webp or .gif")
    if name in _STREAMED:
        return
    if name == "JPEG" and like.has_alpha:
        raise UserError(f"cannot write '{path}': JPEG holds no transparency; use .png, .webp or .tif")
    if like.bits > 8:
        raise UserError(f"cannot write '{path}': {name} holds no 16 bits; use .png or .tif")
    width, height = size or like.size
    longest = _LONGEST_SIDE.get(name)
    if longest and max(width, height) > longest:
        raise UserError(
            f"cannot write '{path}': {name} holds at most {longest} pixels a side; use .png or .tif"
        )
    if width * height * frames > WHOLE_MEGAPIXELS * 1e6:
        raise UserError(
            f"cannot write '{path}': {name} of more than {WHOLE_MEGAPIXELS} megapixels takes too much memory; "
            "use .png or .tif"
        )


def takes_quality(path: str | Path) -> bool:
    """Whether the format that a name ends in is lossy, or can be."""
    return format_of(path) in _LOSSY


def save_options(name: str, quality: int | None = None) -> dict[str, Any]:
    """Pillow's options for a format. With a quality WebP and JPEG XL, too, are lossy."""
    if name not in _LOSSY or (quality is None and name in _LOSSLESS):
        return _LOSSLESS.get(name, {})
    return {"quality": quality or QUALITY, **_LOSSY[name]}


def format_of(path: str | Path) -> str:
    """The format that a name ends in, by Pillow's name for it."""
    return _FORMATS[Path(path).suffix.lower()]


def save_image(image: DecodedImage, path: str | Path) -> None:
    """Write an image in the format that the name ends in; see `save_bands`."""
    save_bands([image.pixels], image, image.size, path)


def save_bands(
    bands: Iterable[np.ndarray],
    like: DecodedImage,
    size: tuple[int, int],
    path: str | Path,
    quality: int | None = None,
) -> None:
    """Write an image in the format that the name ends in, whole or not at all, as its rows come.

    .png, .tif, .webp and .jxl are lossless (WebP has no gray: it becomes RGB, of equal channels, and holds no
    DPI); .jpg, .avif and .heic have quality 95 without chroma subsampling; .gif has 256 colors. Mode, alpha,
    profile, EXIF, DPI and XMP are kept where the format has a place for them.

    Args:
        bands: arrays (h, W, C) of the type and channels of `like`, from top to bottom.
        like: what the result has in common with its source: channels, bits and metadata.
        size: (width, height) of the result.
        quality: 1 to 100 for .jpg, .avif and .heic (default: 95), and for .webp and .jxl, which then are lossy.

    Raises UserError: the format cannot hold the image, or the place cannot be written.
    """
    check_output(path, like, size)
    name = format_of(path)
    with replace_file(path) as file:
        try:
            if name == "PNG":
                write_png(file, like, size, [bands])
            elif name == "TIFF":
                write_tiff(file, like, size, bands)
            else:
                pixels = join_bands(bands, (size[1], size[0], like.channels), like.pixels.dtype)
                _save_whole(file, name, replace(like, pixels=pixels), quality)
        except ValueError as error:  # metadata that the format has no room for, say
            if isinstance(error, UserError):
                raise
            raise UserError(f"cannot write '{path}': {one_line(error)}") from error


def _save_whole(file: BinaryIO, name: str, image: DecodedImage, quality: int | None) -> None:
    icc = None if name == "WEBP" and image.channels < 3 else image.icc  # a profile of gray does not fit RGB
    known: dict[str, Any] = {"icc_profile": icc, "exif": image.exif, "dpi": image.dpi, "xmp": image.xmp}
    if name in ("JPEG", "GIF"):
        known["comment"] = image.text.get("Comment")
    pil_image = to_image(image)
    pil_image.info = {}
    if name == "GIF":
        pil_image = with_hard_edges(pil_image)
    options = save_options(name, quality)
    pil_image.save(file, name, **options, **{key: value for key, value in known.items() if value})


def with_hard_edges(image: Image.Image) -> Image.Image:
    """As GIF holds it, which knows no half transparency: alpha is 0 or 255."""
    if not image.mode.endswith("A"):
        return image
    image = image.convert("RGBA")
    image.info = {}
    image.putalpha(image.getchannel("A").point(lambda alpha: 255 * (alpha > 127)))
    return image
