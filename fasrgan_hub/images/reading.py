"""Images in: from files and from Pillow images.

The header is checked before anything is decoded, so that a small file that claims a gigantic image is refused at once.
"""

import math
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import FileAccessError, MissingFileError, OutOfMemoryError, UserError
from ..extras import import_extra
from .decoded import DecodedImage, image_to_array
from .metadata import fitting_profile, orientation, read_metadata
from .sixteen_bit import has_sixteen_bits, read_sixteen_bits
from .tifffile_reader import is_tiff, read_with_tifffile

MAX_MEGAPIXELS = 100.0
MEGAPIXELS_VARIABLE = "FASRGAN_MAX_MEGAPIXELS"

_WITH_FRAMES = {"AVIF", "GIF", "PNG", "TIFF", "WEBP"}
_TIFF_BITS, _TIFF_PLANES = 258, 284  # BitsPerSample, PlanarConfiguration

_HEIC = {b"ftyp" + brand for brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1")}
_JXL = (b"\xff\x0a", b"\0\0\0\x0cJXL ")

Source = str | Path | BinaryIO

_reading = threading.Lock()


def read_image(source: Source, max_megapixels: float | None = None, floats: bool = True) -> DecodedImage:
    """Read an image file.

    The EXIF orientation is applied. Gray stays gray (1-bit becomes 8-bit) and 16 bits a channel stay 16,
    palettes become RGB or RGBA, CMYK becomes RGB (through its color profile if it has one; the profile is
    dropped then).

    Args:
        source: any file that Pillow opens, of one frame; or an open one that can seek.
        max_megapixels: refuse larger images before they are decoded; default FASRGAN_MAX_MEGAPIXELS in the
            environment, else 100.
        floats: whether floating-point TIFFs are taken to lie in [0, 1] and rounded; otherwise they are refused.

    Raises UserError for a file that is missing, not an image, damaged, too large, animated, or of a format whose
    plug-in is not installed.
    """
    name, limit = name_of(source), megapixel_limit(max_megapixels)
    with _readable(source, limit) as file:
        try:
            with Image.open(file) as image:
                _require_single_frame(image, name)
                if not _needs_tifffile(image):
                    if has_sixteen_bits(image):
                        return upright(image, read_sixteen_bits(file, image))
                    return from_image(image)
        except UnidentifiedImageError:
            if not is_tiff(file):
                raise
        return upright(*read_with_tifffile(file, name, limit, floats))


def from_image(image: Image.Image) -> DecodedImage:
    """A Pillow image of any mode as a DecodedImage; modes are converted as in `read_image`.

    Raises UserError for an animation or a file of several pages, and for 32 bits a channel.
    """
    _require_single_frame(image, getattr(image, "filename", "") or "the image")
    image.load()
    if image.mode == "CMYK":
        image = _rgb_from_cmyk(image)
    if image.mode[0] in "IF":
        return upright(image, _sixteen_bits(image))
    gray = image.mode in {"1", "L", "LA", "La"}
    mode = ("L" if gray else "RGB") + ("A" if image.has_transparency_data else "")
    return upright(image, image_to_array(image, mode))


def frame_count(image: Image.Image) -> int:
    """How many frames an animation has, or a TIFF pages; 1 for a still image."""
    return getattr(image, "n_frames", 1) if image.format in _WITH_FRAMES else 1


def _require_single_frame(image: Image.Image, name: str) -> None:
    frames = frame_count(image)
    if frames > 1:
        advice = (
            ""
            if image.format == "TIFF"
            else "; `fasrgan upscale` enlarges animations, frame.copy() is one frame"
        )
        raise UserError(f"'{name}' holds {frames} frames; only still images can be read{advice}")


def _needs_tifffile(image: Image.Image) -> bool:
    """Whether this is a TIFF of floats, or of 16 bits in separate planes, which Pillow takes for something else."""
    tags = getattr(image, "tag_v2", {})
    separate = tags.get(_TIFF_PLANES) == 2 and max(tags.get(_TIFF_BITS, (1,))) > 8
    return bool(tags) and (image.mode == "F" or separate)


@contextmanager
def opened(source: Source, max_megapixels: float | None = None) -> Iterator[Image.Image]:
    """An image file, opened by Pillow and not yet decoded. Every error inside the block becomes a UserError."""
    with _readable(source, megapixel_limit(max_megapixels)) as file, Image.open(file) as image:
        yield image


@contextmanager
def _readable(source: Source, limit: float) -> Iterator[BinaryIO]:
    """The bytes of an image file that Pillow may open. Every error inside the block becomes a UserError."""
    name = name_of(source)
    with _explained(name, limit), _file(source) as file, _at_most(limit):
        _need_plugin(file, name)
        yield file


@contextmanager
def _explained(name: str, limit: float) -> Iterator[None]:
    """Every error inside the block becomes a UserError about the file of that name."""
    try:
        yield
    except UserError:
        raise
    except UnidentifiedImageError as error:
        raise UserError(f"'{name}' is not an image, or of a kind that Pillow cannot read") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(
            f"'{name}' has more than {limit:g} megapixels; crop it, or raise {MEGAPIXELS_VARIABLE}"
        ) from error
    except MemoryError as error:
        raise OutOfMemoryError(f"there is not enough memory to read '{name}'") from error
    except Exception as error:  # Pillow's decoders raise nearly anything when a file is damaged
        if reason := getattr(error, "strerror", None):
            kind = MissingFileError if isinstance(error, FileNotFoundError) else FileAccessError
            raise kind(f"cannot read '{name}': {reason}") from error
        raise UserError(f"'{name}' is damaged: {one_line(error)}") from error


def one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def name_of(source: Source) -> str:
    return str(source) if isinstance(source, str | Path) else str(getattr(source, "name", "the image"))


@contextmanager
def _file(source: Source) -> Iterator[BinaryIO]:
    if not isinstance(source, str | Path):
        yield source
        return
    path = Path(source)
    if path.exists() and not path.is_file() and not path.is_dir():  # opening a pipe could wait for ever
        raise UserError(f"'{path}' is not a regular file")
    with path.open("rb") as file:
        yield file


def _need_plugin(file: BinaryIO, name: str) -> None:
    """Load the plug-in that this file needs. Raises UserError that names it if it is not installed."""
    head = file.read(16)
    file.seek(0)
    if head[4:12] in _HEIC:
        register_plugin("pillow_heif", "HEIC", name)
    elif head.startswith(_JXL):
        register_plugin("pillow_jxl", "JPEG XL", name)


def register_plugin(module: str, kind: str, name: str | Path) -> None:
    """Add a format to Pillow. Raises UserError if its plug-in is not installed."""
    plugin = import_extra(module, f"'{name}' is {kind}, which", "formats")
    if module == "pillow_heif":
        plugin.register_heif_opener()


@contextmanager
def _at_most(megapixels: float) -> Iterator[None]:
    """Let Pillow refuse larger images, also inside container formats, and silence its other warnings."""
    with _reading, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, int(megapixels * 1e6)
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def megapixel_limit(limit: float | None = None) -> float:
    """The largest input, in megapixels: `limit`, else FASRGAN_MAX_MEGAPIXELS in the environment, else 100."""
    if limit is not None:
        return limit
    text = os.environ.get(MEGAPIXELS_VARIABLE) or str(MAX_MEGAPIXELS)
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not 0 < limit < math.inf:
        raise UserError(f"{MEGAPIXELS_VARIABLE} is '{text}'; it must be a number above 0")
    return limit


def upright(image: Image.Image, pixels: np.ndarray) -> DecodedImage:
    """Pixels as they are stored, rotated as the image's EXIF says, and the image's metadata."""
    position = orientation(image)
    if position > 4:
        pixels = pixels.swapaxes(0, 1)
    if position in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if position in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    icc = fitting_profile(image.info.get("icc_profile"), pixels.shape[2])
    return DecodedImage(np.ascontiguousarray(pixels), icc, **read_metadata(image))


def _rgb_from_cmyk(image: Image.Image) -> Image.Image:
    icc = image.info.get("icc_profile")
    converted = None
    if icc:
        from PIL import ImageCms

        try:
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, BytesIO(icc), srgb, outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            pass  # not a profile of CMYK: convert without it
    converted = converted or image.convert("RGB")
    exif = image.getexif()  # conversion drops it
    converted.info = {key: value for key, value in image.info.items() if key != "icc_profile"}
    if exif:
        converted.info["exif"] = exif.tobytes()
    return converted


def _sixteen_bits(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image)
    if image.mode == "F" or pixels.min() < 0 or pixels.max() > 65_535:
        raise UserError("images with 32 bits a channel cannot be read; convert it to 16 bits first")
    pixels = pixels.astype(np.uint16)[:, :, None]
    key = image.info.get("transparency")
    if isinstance(key, int):
        pixels = np.concatenate((pixels, (pixels != key) * np.uint16(65_535)), axis=2)
    return pixels
