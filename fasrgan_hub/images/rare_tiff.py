"""TIFF files that Pillow does not read: floats, deep pixels with gray and alpha, channels that lie apart."""

import logging
import math
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

from ..errors import MissingPackageError, UserError

if TYPE_CHECKING:
    from tifffile import TiffFile

ORDERS = {"YX": (0, 1), "YXS": (0, 1, 2), "SYX": (1, 2, 0)}

TILE_MEGAPIXELS = 1
"""Tiles as large as this are read whatever the limit is: small images come in whole tiles too."""

SPARE_BYTES = 1 << 20
"""How much a strip or tile may unpack to beyond its pixels: some writers fill up the last one."""

_DEFLATE = (8, 32946)
_LZMA = 34925
_PER_INCH = {2: 1, 3: 2.54}  # by ResolutionUnit


def is_tiff(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_rare_tiff(
    file: BinaryIO, name: str, megapixels: float, floats: bool = True
) -> tuple[Image.Image, np.ndarray]:
    """Read it with tifffile. Floats are taken to lie in [0, 1] and become 16-bit; what lies outside is clipped.

    Returns an image that knows what the file says beside its pixels, and the pixels (H, W, C) as they lie in it.

    Raises UserError: tifffile is not installed, no image comes of this file, or floats are not wanted.
    """
    try:
        from tifffile import TiffFile
    except ImportError as error:
        raise MissingPackageError(
            f"'{name}' is a TIFF of a rare kind: pip install 'fasrgan-hub[formats]' to read it"
        ) from error
    logging.getLogger("tifffile").addHandler(
        logging.NullHandler()
    )  # what it has to say ends in an error below
    file.seek(0)
    with TiffFile(file, name="image") as tiff:
        page = tiff.pages[0]
        if len(tiff.pages) > 1:
            raise UserError(f"'{name}' holds {len(tiff.pages)} pages; only still images can be read")
        photometric = getattr(page.photometric, "name", "")
        samples = page.samplesperpixel
        if (
            page.axes not in ORDERS
            or photometric not in ("MINISBLACK", "RGB")
            or samples > 4
            or page.size == 0
        ):
            raise UserError(
                f"'{name}' is a TIFF of a kind that cannot be read ({photometric}, axes {page.axes})"
            )
        if page.imagelength * page.imagewidth > megapixels * 1e6:
            raise UserError(f"'{name}' has more than {megapixels:g} megapixels")
        tile_limit = max(megapixels, TILE_MEGAPIXELS)
        if page.tiledepth * page.tilelength * page.tilewidth > tile_limit * 1e6:
            raise UserError(f"'{name}' has tiles of more than {tile_limit:g} megapixels")
        if page.dtype.kind == "f" and not floats:
            raise UserError(f"'{name}' has floating-point pixels; round them to 8 or 16 bits first")
        if _bursts(page):
            raise UserError(f"'{name}' is damaged: it unpacks to more than its pixels")
        pixels = page.asarray().transpose(ORDERS[page.axes])
        extra = [getattr(kind, "name", "") for kind in page.extrasamples]
        known = _image_that_knows(tiff, file)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    pixels = _sixteen_bits(pixels, name)
    if "ASSOCALPHA" in extra:
        alpha = np.maximum(pixels[:, :, -1:], 1).astype(np.float32)
        top = np.iinfo(pixels.dtype).max
        pixels[:, :, :-1] = np.minimum(pixels[:, :, :-1] * (top / alpha), top).round()
    return known, pixels


def _bursts(page: Any) -> bool:
    """Whether a strip or tile unpacks to more than its pixels, which tifffile would do to the end."""
    if page.compression not in (*_DEFLATE, _LZMA):
        return False
    room = math.prod(page.chunks) * page.dtype.itemsize + SPARE_BYTES
    for data, _ in page.parent.filehandle.read_segments(page.dataoffsets, page.databytecounts):
        if len(_unpacked(data or b"", page.compression, room + 1)) > room:
            return True
    return False


def _unpacked(data: bytes, compression: int, most: int) -> bytes:
    if compression in _DEFLATE:
        return zlib.decompressobj().decompress(data, most)
    from lzma import LZMADecompressor  # which not every Python has

    return LZMADecompressor().decompress(data, most)


def _image_that_knows(tiff: "TiffFile", file: BinaryIO) -> Image.Image:
    """What the file says, as Pillow's images tell it: Pillow reads the tags of every TIFF."""
    image = Image.new("1", (1, 1))
    exif = image.getexif()
    exif.endian, exif.bigtiff = tiff.byteorder, tiff.is_bigtiff
    with suppress(Exception):  # whatever is missing or damaged
        exif.load_from_fp(file, tiff.pages[0].offset)
        image.info = {
            "icc_profile": exif.pop(Base.InterColorProfile, None),
            "xmp": exif.pop(Base.XMLPacket, None),
        }
        scale = _PER_INCH[exif.get(Base.ResolutionUnit, 2)]
        image.info["dpi"] = exif[Base.XResolution] * scale, exif[Base.YResolution] * scale
    return image


def _sixteen_bits(pixels: np.ndarray, name: str) -> np.ndarray:
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels.copy()
    if np.issubdtype(pixels.dtype, np.floating):
        return (np.clip(np.nan_to_num(pixels.astype(np.float32)), 0, 1) * 65_535).round().astype(np.uint16)
    raise UserError(f"'{name}' has pixels of type {pixels.dtype}; convert it to 16 bits first")
