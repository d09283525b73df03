"""Pictures in and out: pixels as an array, and what else a file says about them.

Reading looks at the header before it decodes, so that a small file that claims a gigantic picture is refused
at once; writing is lossless unless the file name asks for JPEG.
"""

import math
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ..errors import UserError
from .atomic import written_whole

READABLE = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Which files of a folder count as pictures. A file that is named outright is tried whatever it is called."""

MAX_MEGAPIXELS = 100.0
MEGAPIXELS_VARIABLE = "FASRGAN_MAX_MEGAPIXELS"

_WRITERS: dict[str, tuple[str, dict[str, Any]]] = {
    ".png": ("PNG", {}),
    ".webp": ("WEBP", {"lossless": True, "exact": True}),
    ".tif": ("TIFF", {"compression": "tiff_deflate"}),
    ".tiff": ("TIFF", {"compression": "tiff_deflate"}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
}
WRITABLE = frozenset(_WRITERS)
_LONGEST_SIDE = {"JPEG": 65_535, "WEBP": 16_383}
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_ANIMATED = {"AVIF", "GIF", "PNG", "TIFF", "WEBP"}

# EXIF tags that say how the old file stored its pixels, or where they lie on a map; not how they were taken.
_STORAGE_TAGS = {
    *range(254, 260), 262, 263, 266, 273, 274, *range(277, 282), 284, 292, 293, 297, 317, *range(320, 326),
    330, *range(338, 342), 347, *range(512, 522), *range(529, 533), 700, 33550, 33922, 34264, 34675,
    *range(34735, 34738),
}  # fmt: skip
_STORAGE_TAGS_OF_EXIF = {40962, 40963}  # PixelXDimension, PixelYDimension

_reading = threading.Lock()


@dataclass
class Picture:
    """A still picture, upright.

    Args:
        pixels: (H, W, C), uint8 or uint16, not premultiplied. C is 1 gray, 2 gray and alpha, 3 RGB, 4 RGB
            and alpha.
        icc: the colour profile of the pixels.
        exif: the EXIF block, without orientation and sizes.
        dpi: dots per inch, (horizontal, vertical).
    """

    pixels: np.ndarray
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), in Pillow's order."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def mode(self) -> str:
        """The Pillow mode that holds these pixels: L, LA, RGB, RGBA or I;16."""
        channels = self.pixels.shape[2]
        if self.pixels.dtype == np.uint8:
            return _MODES[channels]
        if channels == 1:
            return "I;16"
        raise UserError("pictures with 16 bits a channel can only be written in gray")


def read_picture(path: str | Path, max_megapixels: float | None = None) -> Picture:
    """Read a picture file.

    The EXIF orientation is applied. Gray stays gray (1-bit becomes 8-bit, 16-bit stays 16-bit), palettes
    become RGB or RGBA, CMYK becomes RGB (through its colour profile if it has one; the profile is dropped
    then).

    Args:
        path: any file that Pillow opens, of one frame.
        max_megapixels: refuse larger pictures before they are decoded; default FASRGAN_MAX_MEGAPIXELS in the
            environment, else 100.

    Raises UserError: no such file, not a picture, damaged or cut off, too many pixels, animated.
    """
    limit = max_megapixels if max_megapixels is not None else _limit_from_environment()
    try:
        with Path(path).open("rb") as file, _at_most(limit), Image.open(file) as image:
            if image.format in _ANIMATED and getattr(image, "n_frames", 1) > 1:
                raise UserError(f"'{path}' holds {image.n_frames} frames; only still pictures can be read")  # type: ignore[attr-defined]
            image.load()
            return from_image(image)
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError(f"'{path}' is not a picture, or of a kind that Pillow cannot read") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(
            f"'{path}' has more than {limit:g} megapixels; crop it, or raise {MEGAPIXELS_VARIABLE}"
        ) from error
    except Exception as error:  # Pillow's decoders raise nearly anything when a file is damaged
        reason = getattr(error, "strerror", None)
        message = f"cannot read '{path}': {reason}" if reason else f"'{path}' is damaged: {_one_line(error)}"
        raise UserError(message) from error


def from_image(image: Image.Image) -> Picture:
    """A Pillow image of any mode as a Picture; see `read_picture` for what becomes of each mode."""
    image, exif = _upright(image)
    info = image.info
    icc = info.get("icc_profile")
    if image.mode == "CMYK":
        image, icc = _rgb_from_cmyk(image, icc), None
    if image.mode[0] in "IF":
        pixels = _sixteen_bits(image)
    else:
        gray = image.mode in {"1", "L", "LA", "La"}
        target = ("L" if gray else "RGB") + ("A" if image.has_transparency_data else "")
        pixels = np.array(image if image.mode == target else image.convert(target))
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    return Picture(pixels, icc, exif, _dpi(info))


def to_image(picture: Picture) -> Image.Image:
    """The Pillow image of a Picture, with profile, EXIF and resolution in its `info`."""
    mode = picture.mode
    gray = picture.pixels.shape[2] == 1
    image = Image.fromarray(picture.pixels[:, :, 0] if gray else picture.pixels)
    assert image.mode == mode
    image.info.update(_metadata(picture))
    return image


def require_writable_name(path: str | Path) -> None:
    """Raise UserError unless the name ends in a format that can be written."""
    if Path(path).suffix.lower() not in WRITABLE:
        raise UserError(f"cannot write '{path}': its name must end in .png, .webp, .tif or .jpg")


def check_output(path: str | Path, picture: Picture, scale: int = 1) -> None:
    """Raise UserError if the format that `path` names cannot hold `picture`, enlarged `scale` times."""
    require_writable_name(path)
    name = _WRITERS[Path(path).suffix.lower()][0]
    if name == "JPEG" and picture.mode in {"LA", "RGBA"}:
        raise UserError(f"cannot write '{path}': JPEG holds no transparency; use .png, .webp or .tif")
    if name in {"JPEG", "WEBP"} and picture.mode == "I;16":
        raise UserError(f"cannot write '{path}': {name} holds no 16 bits; use .png or .tif")
    longest = _LONGEST_SIDE.get(name)
    if longest and max(picture.size) * scale > longest:
        raise UserError(
            f"cannot write '{path}': {name} holds at most {longest} pixels a side; use .png or .tif"
        )


def save_picture(picture: Picture, path: str | Path) -> None:
    """Write a picture in the format that the name ends in, whole or not at all.

    .png, .webp and .tif are lossless (WebP has no gray: it becomes RGB, of equal channels, and holds no DPI;
    TIFF is deflated unless it holds EXIF); .jpg is quality 95 without chroma subsampling. Mode, alpha,
    profile, EXIF and DPI are kept.

    Raises UserError: the format cannot hold the picture, or the place cannot be written.
    """
    check_output(path, picture)
    name, options = _WRITERS[Path(path).suffix.lower()]
    if name == "TIFF" and picture.exif and _has_blocks(picture.exif):
        options = {}  # Pillow writes EXIF's inner blocks into uncompressed TIFF only
    with written_whole(path) as file:
        try:
            to_image(picture).save(file, name, **options, **_metadata(picture))
        except ValueError as error:  # metadata that the format has no room for, say
            raise UserError(f"cannot write '{path}': {_one_line(error)}") from error


@contextmanager
def _at_most(megapixels: float) -> Iterator[None]:
    """Let Pillow refuse larger pictures, the ones inside container formats too, and keep it from chatting."""
    with _reading, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, int(megapixels * 1e6)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _limit_from_environment() -> float:
    text = os.environ.get(MEGAPIXELS_VARIABLE) or str(MAX_MEGAPIXELS)
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        raise UserError(f"{MEGAPIXELS_VARIABLE} is '{text}'; it must be a number above 0")
    return limit


def _upright(image: Image.Image) -> tuple[Image.Image, bytes | None]:
    """The image turned as its EXIF orientation says, and what remains of the EXIF block."""
    try:
        turned = ImageOps.exif_transpose(image)
        exif = Image.Exif()
        exif.load(image.getexif().tobytes())  # a copy: the caller's image stays as it is
        for tag in _STORAGE_TAGS.intersection(exif):
            del exif[tag]
        details = exif.get_ifd(ExifTags.IFD.Exif)
        for tag in _STORAGE_TAGS_OF_EXIF.intersection(details):
            del details[tag]
        return turned, exif.tobytes() if len(exif) else None
    except Exception:  # a damaged EXIF block is no reason to refuse the picture
        return image, None


def _has_blocks(exif: bytes) -> bool:
    tags = Image.Exif()
    tags.load(exif)
    return not {ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo}.isdisjoint(tags)


def _rgb_from_cmyk(image: Image.Image, icc: bytes | None) -> Image.Image:
    if icc:
        from PIL import ImageCms

        try:
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, BytesIO(icc), srgb, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # not a profile of CMYK: convert without
    return image.convert("RGB")


def _sixteen_bits(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image)
    if image.mode == "F" or pixels.min() < 0 or pixels.max() > 65_535:
        raise UserError("pictures with 32 bits a channel cannot be read; convert it to 16 bits first")
    return pixels.astype(np.uint16)


def _dpi(info: dict[Any, Any]) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (x, y) if 0 < x < 65_536 and 0 < y < 65_536 else None


def _metadata(picture: Picture) -> dict[str, Any]:
    fields = {"icc_profile": picture.icc, "exif": picture.exif, "dpi": picture.dpi}
    return {name: value for name, value in fields.items() if value}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
