"""Images out: every format takes the rows of a result in bands, from top to bottom.

PNG, TIFF and JPEG are written as the bands come. Other formats are Pillow's, which needs the whole image.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from ..errors import UserError
from .atomic import replace_file
from .decoded import DecodedImage
from .jpeg import JpegWriter
from .pillow_writer import PillowWriter
from .png import PngWriter, Timing
from .reading import one_line, register_plugin
from .tiff import TiffWriter


@dataclass(frozen=True)
class Format:
    """A file format.

    Args:
        name: Pillow's name for it.
        streamed: whether it is written in bands; the others need the whole image in memory.
        frames: whether it can hold an animation.
        alpha: whether it has transparency.
        sixteen_bits: whether it has 16 bits a channel.
        side: the most pixels a side.
        lossless: Pillow's options without a quality; None for a format that is always lossy.
        lossy: Pillow's options beside a quality; None for a format that never is.
        plugin: the module that Pillow needs, and the format's name in messages.
    """

    name: str
    streamed: bool = False
    frames: bool = False
    alpha: bool = True
    sixteen_bits: bool = False
    side: int = 1 << 31
    lossless: dict[str, Any] | None = None
    lossy: dict[str, Any] | None = None
    plugin: tuple[str, str] | None = None

    def options(self, quality: int | None = None) -> dict[str, Any]:
        """Pillow's options. With a quality WebP and JPEG XL, too, are lossy."""
        if self.lossy is None or (quality is None and self.lossless is not None):
            return dict(self.lossless or {})
        return {"quality": quality or QUALITY, **self.lossy}


_TIFF = Format("TIFF", streamed=True, sixteen_bits=True)
_JPEG = Format("JPEG", streamed=True, alpha=False, side=65_535, lossy={})
_HEIF = Format("HEIF", side=65_536, lossy={"chroma": 444}, plugin=("pillow_heif", "HEIC"))
_FORMATS = {
    ".png": Format("PNG", streamed=True, frames=True, sixteen_bits=True),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".webp": Format(
        "WEBP", frames=True, side=16_383, lossless={"lossless": True, "exact": True}, lossy={"exact": True}
    ),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".gif": Format("GIF", frames=True, side=65_535, lossless={}),
    ".avif": Format("AVIF", side=65_536, lossy={"subsampling": "4:4:4"}),
    ".heic": _HEIF,
    ".heif": _HEIF,
    ".jxl": Format("JXL", lossless={"lossless": True}, lossy={}, plugin=("pillow_jxl", "JPEG XL")),
}
WRITABLE = frozenset(_FORMATS)

WHOLE_MEGAPIXELS = 400
"""The largest result in a format that is not streamed; it takes at least 4 bytes a pixel of memory."""

QUALITY = 95
"""Of the lossy formats, unless another is asked for: 1 to 100 as Pillow and its plug-ins count."""


def require_writable_name(path: str | Path) -> None:
    """Raise UserError unless the name ends in a format that can be written."""
    if Path(path).suffix.lower() not in WRITABLE:
        raise UserError(f"cannot write '{path}': its name must end in .png, .webp, .tif or .jpg")


def format_of(path: str | Path) -> Format:
    """The format that a name ends in."""
    return _FORMATS[Path(path).suffix.lower()]


def takes_quality(path: str | Path) -> bool:
    """Whether the format that a name ends in is lossy, or can be."""
    return format_of(path).lossy is not None


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
    form = format_of(path)
    if form.plugin:
        register_plugin(*form.plugin, path)
    width, height = size or like.size
    problem = None
    if frames > 1 and not form.frames:
        problem = f"{form.name} holds no {frames} frames; use .png, .webp or .gif"
    elif like.has_alpha and not form.alpha:
        problem = f"{form.name} holds no transparency; use .png, .webp or .tif"
    elif like.bits > 8 and not form.sixteen_bits:
        problem = f"{form.name} holds no 16 bits a channel; use .png or .tif"
    elif max(width, height) > form.side:
        problem = f"{form.name} holds at most {form.side} pixels a side; use .png or .tif"
    elif not form.streamed and width * height * frames > WHOLE_MEGAPIXELS * 1e6:
        problem = (
            f"{form.name} of more than {WHOLE_MEGAPIXELS} megapixels takes too much memory; use .png or .tif"
        )
    if problem:
        raise UserError(f"cannot write '{path}': {problem}")


class Writer(Protocol):
    """Takes the rows of an image from top to bottom, or of one frame after another."""

    def write(self, band: np.ndarray) -> None:
        """Write the next rows, (h, W, C); no reference to them is kept."""

    def close(self) -> None:
        """Complete the file."""


@contextmanager
def open_writer(
    path: str | Path,
    like: DecodedImage,
    size: tuple[int, int],
    quality: int | None = None,
    timing: Timing | None = None,
) -> Iterator[Writer]:
    """A writer of the format that the name ends in. The file is complete when the block has ended; else it is absent.

    .png, .tif, .webp and .jxl are lossless (WebP has no gray: it becomes RGB, of equal channels, and holds no
    DPI); .jpg, .avif and .heic have quality 95 without chroma subsampling; .gif has 256 colors. Mode, alpha,
    profile, EXIF, DPI and XMP are kept where the format has a place for them.

    Args:
        like: what the result has in common with its source: type, channels and metadata.
        size: (width, height) of the result.
        quality: 1 to 100 for .jpg, .avif and .heic (default: 95), and for .webp and .jxl, which then are lossy.
        timing: of an animation.

    Raises UserError if the format cannot hold the image, or the file cannot be written.
    """
    check_output(path, like, size, len(timing.durations) if timing else 1)
    with replace_file(path) as file:
        with _explained(path):
            writer = _writer(file, format_of(path), like, size, quality, timing)
        yield writer
        with _explained(path):
            writer.close()


def _writer(
    file: BinaryIO,
    form: Format,
    like: DecodedImage,
    size: tuple[int, int],
    quality: int | None,
    timing: Timing | None,
) -> Writer:
    options, metadata = form.options(quality), _metadata(form, like)
    if form.name == "PNG":
        return PngWriter(file, like, size, timing)
    if form.name == "TIFF":
        return TiffWriter(file, like, size)
    if form.name == "JPEG":
        return JpegWriter(file, size[1], options["quality"], metadata)
    return PillowWriter(file, form.name, like.mode, size, options | metadata, timing)


@contextmanager
def _explained(path: str | Path) -> Iterator[None]:
    """What an encoder says to a value that its format cannot hold becomes a UserError, such as long metadata."""
    try:
        yield
    except UserError:
        raise
    except (ValueError, RuntimeError, struct.error) as error:
        raise UserError(f"cannot write '{path}': {one_line(error)}") from error


def save_image(image: DecodedImage, path: str | Path) -> None:
    """Write an image in the format that the name ends in; see `open_writer`."""
    with open_writer(path, image, image.size) as writer:
        writer.write(image.pixels)


def _metadata(form: Format, like: DecodedImage) -> dict[str, Any]:
    """What Pillow writes beside the pixels, by its names."""
    # WebP has no gray: its profile does not fit.
    icc = None if form.name == "WEBP" and like.channels < 3 else like.icc
    metadata: dict[str, Any] = {"icc_profile": icc, "exif": like.exif, "dpi": like.dpi, "xmp": like.xmp}
    if form.name in ("JPEG", "GIF"):
        metadata["comment"] = like.text.get("Comment")
    return {key: value for key, value in metadata.items() if value}
