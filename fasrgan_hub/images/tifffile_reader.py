"""TIFF files that Pillow does not read: floats, 16 bits with gray and alpha, channels in separate planes."""

import logging
import math
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

from ..errors import UserError
from ..extras import import_extra
from .pixels import check_white
from .sixteen_bit import unpremultiply

if TYPE_CHECKING:
    from tifffile import TiffFile

ORDERS = {"YX": (0, 1), "YXS": (0, 1, 2), "SYX": (1, 2, 0)}

TILE_MEGAPIXELS = 1
"""Tiles of this size are read whatever the limit is: small images are stored in whole tiles too."""

SPARE_BYTES = 1 << 20
"""How much a strip or tile may unpack to beyond its pixels: some writers fill up the last one."""

_DEFLATE = (8, 32946)
_LZMA = 34925
_PER_INCH = {2: 1, 3: 2.54}  # by ResolutionUnit


def is_tiff(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_with_tifffile(
    file: BinaryIO, name: str, megapixels: float, floats: bool = True
) -> tuple[Image.Image, np.ndarray]:
    """Read a TIFF with tifffile. Floats are clipped to [0, 1] and become 16-bit.

    Args:
        name: of the file, for messages.
        megapixels: the largest image, which also limits its tiles.
        floats: whether floating-point pixels are read; otherwise they are refused.

    Returns an image with the metadata of the file, and the pixels (H, W, C) as they are stored, not rotated.

    Raises UserError if tifffile is not installed or the file cannot be read.
    """
    tifffile = import_extra("tifffile", f"'{name}' is a TIFF of a rare kind, which", "formats")
    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # errors are raised below
    file.seek(0)
    with tifffile.TiffFile(file, name="image") as tiff:
        if len(tiff.pages) > 1:
            raise UserError(f"'{name}' holds {len(tiff.pages)} pages; only still images can be read")
        page = tiff.pages[0]
        if problem := _problem(page, megapixels, floats):
            raise UserError(f"'{name}' {problem}")
        pixels = page.asarray().transpose(ORDERS[page.axes])
        premultiplied = "ASSOCALPHA" in [getattr(kind, "name", "") for kind in page.extrasamples]
        metadata = _read_metadata(tiff, file)
    if pixels.dtype.kind == "f":
        check_white(pixels, f"'{name}'")
    pixels = _to_integers(pixels if pixels.ndim == 3 else pixels[:, :, None])
    return metadata, unpremultiply(pixels) if premultiplied else pixels


def _problem(page: Any, megapixels: float, floats: bool) -> str | None:
    """Why the page cannot be read, if so."""
    photometric = getattr(page.photometric, "name", "")
    readable = page.axes in ORDERS and photometric in ("MINISBLACK", "RGB") and page.samplesperpixel <= 4
    if not readable or page.size == 0:
        return f"is a TIFF of a kind that cannot be read ({photometric}, axes {page.axes})"
    if page.imagelength * page.imagewidth > megapixels * 1e6:
        return f"has more than {megapixels:g} megapixels"
    tile_limit = max(megapixels, TILE_MEGAPIXELS)
    if page.tiledepth * page.tilelength * page.tilewidth > tile_limit * 1e6:
        return f"has tiles of more than {tile_limit:g} megapixels"
    if page.dtype.kind == "f" and not floats:
        return "has floating-point pixels; round them to 8 or 16 bits first"
    if page.dtype not in (np.uint8, np.uint16) and page.dtype.kind != "f":
        return f"has pixels of type {page.dtype}; convert it to 16 bits first"
    return "is damaged: it unpacks to more than its pixels" if _unpacks_to_more(page) else None


def _unpacks_to_more(page: Any) -> bool:
    """Whether a strip or tile unpacks to more than its pixels; tifffile would unpack all of it."""
    if page.compression not in (*_DEFLATE, _LZMA):
        return False
    limit = math.prod(page.chunks) * page.dtype.itemsize + SPARE_BYTES
    for data, _ in page.parent.filehandle.read_segments(page.dataoffsets, page.databytecounts):
        if len(_unpack(data or b"", page.compression, limit + 1)) > limit:
            return True
    return False


def _unpack(data: bytes, compression: int, limit: int) -> bytes:
    if compression in _DEFLATE:
        return zlib.decompressobj().decompress(data, limit)
    from lzma import LZMADecompressor  # not part of every Python

    return LZMADecompressor().decompress(data, limit)


def _read_metadata(tiff: "TiffFile", file: BinaryIO) -> Image.Image:
    """The metadata of the file as that of a Pillow image: Pillow reads the tags of every TIFF."""
    image = Image.new("1", (1, 1))
    exif = image.getexif()
    exif.endian, exif.bigtiff = tiff.byteorder, tiff.is_bigtiff
    with suppress(Exception):  # missing or damaged entries
        exif.load_from_fp(file, tiff.pages[0].offset)
        image.info = {
            "icc_profile": exif.pop(Base.InterColorProfile, None),
            "xmp": exif.pop(Base.XMLPacket, None),
        }
        scale = _PER_INCH[exif.get(Base.ResolutionUnit, 2)]
        image.info["dpi"] = exif[Base.XResolution] * scale, exif[Base.YResolution] * scale
    return image


def _to_integers(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype.kind == "u":
        return pixels.copy()
    return (np.clip(np.nan_to_num(pixels.astype(np.float32)), 0, 1) * 65_535).round().astype(np.uint16)
