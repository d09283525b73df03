"""TIFF files, written from rows as they come; BigTIFF if the file could exceed 4 GiB.

Strips are deflated after the horizontal predictor. The directory comes before them and is written last, into space
reserved for it: its size depends only on the number of strips. Pillow encodes the tags, including EXIF's inner
directories.
"""

import struct
import zlib
from collections.abc import Iterable
from os import SEEK_END
from typing import BinaryIO

import numpy as np
from PIL import Image, TiffTags
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from .decoded import DecodedImage, regroup_rows

STRIP_BYTES = 1 << 20
CLASSIC_BYTES = (1 << 32) - (1 << 25)  # leaves room for tags, and for noise, which deflate enlarges

_BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSETS, _SAMPLES = 258, 259, 262, 273, 277
_ROWS, _COUNTS, _X, _Y, _PLANAR, _UNIT = 278, 279, 282, 283, 284, 296
_PREDICTOR, _EXTRA, _XMP, _ICC = 317, 338, 700, 34675


def write_tiff(
    file: BinaryIO,
    like: DecodedImage,
    size: tuple[int, int],
    bands: Iterable[np.ndarray],
    classic: int = CLASSIC_BYTES,
) -> None:
    """Write a TIFF file into an empty `file`, which can seek.

    Args:
        like: what the result has in common with its source: channels, bits and metadata.
        size: (width, height) of the result.
        bands: arrays (h, W, C) of uint8 or uint16 from top to bottom.
        classic: images of more bytes than this become BigTIFF.
    """
    width, height = size
    row_bytes = width * like.channels * like.bits // 8
    rows = min(height, max(1, STRIP_BYTES // row_bytes))
    strips = -(-height // rows)
    big = height * row_bytes > classic
    header = struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if big else struct.pack("<2sHI", b"II", 42, 8)

    def directory(counts: list[int]) -> bytes:
        tags = ImageFileDirectory_v2(header)
        _describe(tags, like, size)
        tags[_ROWS] = rows
        # Pillow counts offsets from the end of the directory, which is where the first strip begins
        for tag, values in ((_COUNTS, counts), (_OFFSETS, _starts(counts))):
            tags.tagtype[tag] = TiffTags.LONG8 if big else TiffTags.LONG
            tags[tag] = tuple(values)
        return tags.tobytes(len(header))

    file.write(header)
    file.write(bytes(len(directory([0] * strips))))
    counts = []
    for strip in regroup_rows(bands, rows):
        data = zlib.compress(_differences(strip), 6)
        counts.append(len(data))
        file.write(data)
        del strip  # part of a band, before the next one is made
    file.seek(len(header))
    file.write(directory(counts))
    file.seek(0, SEEK_END)


def _describe(tags: ImageFileDirectory_v2, like: DecodedImage, size: tuple[int, int]) -> None:
    if like.exif:
        exif = Image.Exif()
        exif.load(like.exif)
        for tag in exif:
            tags[tag] = exif.get_ifd(tag) if tag in (IFD.Exif, IFD.GPSInfo) else exif[tag]
        if IFD.Interop in exif.get_ifd(IFD.Exif):  # which holds only an offset
            tags[IFD.Exif] |= {IFD.Interop: exif.get_ifd(IFD.Interop)}
    tags[256], tags[257] = size
    tags[_BITS] = (like.bits,) * like.channels
    tags[_COMPRESSION] = 8
    tags[_PHOTOMETRIC] = 2 if like.channels > 2 else 1
    tags[_SAMPLES] = like.channels
    tags[_PLANAR] = 1
    tags[_PREDICTOR] = 2
    if like.has_alpha:
        tags[_EXTRA] = 2  # not premultiplied
    if like.dpi:
        tags[_X], tags[_Y] = like.dpi
        tags[_UNIT] = 2
    if like.icc:
        tags[_ICC] = like.icc
    if like.xmp:
        tags[_XMP] = like.xmp


def _starts(counts: list[int]) -> list[int]:
    starts = [0]
    for count in counts[:-1]:
        starts.append(starts[-1] + count)
    return starts


def _differences(rows: np.ndarray) -> bytes:
    """Each number minus the one to its left in the same row and channel, little-endian."""
    differences = rows.copy()
    differences[:, 1:] -= rows[:, :-1]
    return differences.astype(differences.dtype.newbyteorder("<"), copy=False).tobytes()
