"""The metadata of an image file, without what is no longer true of the enlarged image.

Nothing here refuses an image: a block that is damaged is left out.
"""

import json
import re
from typing import Any

from PIL import ExifTags, Image

from .inspection import jpeg_quality

# EXIF tags that describe how the old file stored its pixels, and those of microscopy programs.
_STORAGE_TAGS = {
    *range(254, 260), 262, 263, 266, 273, 274, *range(277, 282), 284, 292, 293, 297, 317, *range(320, 326),
    330, *range(338, 342), 347, *range(512, 522), *range(529, 533), 700, 33550, 33922, 34264, 34377, 34675,
    *range(34735, 34738), 37724, 40965, 50838, 50839,
}  # fmt: skip
_STORAGE_TAGS_OF_EXIF = {40962, 40963}  # PixelXDimension, PixelYDimension
_XMP_ORIENTATION = re.compile(
    rb"""tiff:Orientation=["'][0-9]["']|<tiff:Orientation>[0-9]</tiff:Orientation>"""
)
_LOSSY = {"JPEG", "MPO", "JPEG2000", "WEBP", "AVIF", "HEIF", "JXL"}
_COLOR_SPACES = {b"GRAY": (1, 2), b"RGB ": (3, 4)}


def orientation(image: Image.Image) -> int:
    """1 to 8, as EXIF counts them; 1 is upright."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # Pillow's readers of EXIF raise nearly anything
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_metadata(image: Image.Image) -> dict[str, Any]:
    """The fields of a `DecodedImage` beside its pixels and its profile, from a loaded image."""
    return {
        "exif": _exif(image),
        "dpi": _dpi(image.info, rotated=orientation(image) > 4),
        "xmp": _xmp(image.info),
        "text": _text(image),
        "color": {name: image.info[name] for name in ("gamma", "srgb", "chromaticity") if name in image.info},
        "codec": image.format if image.format in _LOSSY else None,
        "quality": jpeg_quality(getattr(image, "quantization", {})),
    }


def fitting_profile(icc: Any, channels: int) -> bytes | None:
    """The color profile, if it is one for pixels of so many channels."""
    if not isinstance(icc, bytes) or icc[36:40] != b"acsp":
        return None
    return icc if channels in _COLOR_SPACES.get(icc[16:20], ()) else None


def _exif(image: Image.Image) -> bytes | None:
    try:
        exif = Image.Exif()
        exif.load(image.getexif().tobytes())  # a copy: the caller's image stays as it is
        for tag in _STORAGE_TAGS.intersection(exif):
            del exif[tag]
        if _describes_the_array(exif.get(ExifTags.Base.ImageDescription)):
            del exif[ExifTags.Base.ImageDescription]
        details = exif.get_ifd(ExifTags.IFD.Exif)
        for tag in _STORAGE_TAGS_OF_EXIF.intersection(details):
            del details[tag]
        return exif.tobytes() if len(exif) else None
    except Exception:
        return None


def _describes_the_array(description: Any) -> bool:
    """Whether a TIFF's description is a program's record of the array's shape, which is that of the old image.

    Such are tifffile's JSON with a "shape", ImageJ's lines and OME's XML. A caption is not.
    """
    if not isinstance(description, str):
        return False
    text = description.strip()
    if text.startswith("{"):
        try:
            return "shape" in json.loads(text)
        except ValueError:
            return False
    return text.startswith(("ImageJ=", "shape=")) or (text.startswith("<") and "<OME" in text)


def _dpi(info: dict[Any, Any], rotated: bool) -> tuple[float, float] | None:
    try:
        x, y = (float(value) for value in info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not (0 < x < 65_536 and 0 < y < 65_536):
        return None
    return (y, x) if rotated else (x, y)


def _xmp(info: dict[Any, Any]) -> bytes | None:
    xmp = info.get("xmp")
    if isinstance(xmp, str):
        xmp = xmp.encode()
    return _XMP_ORIENTATION.sub(b"", xmp) if isinstance(xmp, bytes) and xmp else None


def _text(image: Image.Image) -> dict[str, str]:
    """A PNG's texts, or the comment of another format."""
    texts = dict(getattr(image, "text", {}))
    comment = image.info.get("comment")
    if isinstance(comment, bytes):
        comment = comment.decode("utf-8", errors="replace")
    if isinstance(comment, str) and comment:
        texts.setdefault("Comment", comment)
    other_names = ("Raw profile type", "XML:com.adobe.xmp")  # of EXIF and XMP
    return {
        key: str(text)
        for key, text in texts.items()
        if isinstance(key, str) and isinstance(text, str) and not key.startswith(other_names)
    }
