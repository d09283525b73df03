"""TIFF files, written from rows as they come; BigTIFF if the file could exceed 4 GiB.

Strips are deflated after the horizontal predictor. The directory comes before them and is written last, into space
reserved for it: its size depends only on the number of strips. Pillow encodes the tags, including EXIF's inner
directories.
"""

import struct
import zlib
from itertools import accumulate
from os import SEEK_END
from typing import BinaryIO

import numpy as np
from PIL import Image, TiffTags
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from .decoded import DecodedImage
from .strips import StripWriter

STRIP_BYTES = 1 << 20
CLASSIC_BYTES = (1 << 32) - (1 << 25)  # leaves room for tags, and for noise, which deflate enlarges

_BITS, _COMPRESSION, _PHOTOMETRIC, _OFFSETS, _SAMPLES = 258, 259, 262, 273, 277
_ROWS, _COUNTS, _X, _Y, _PLANAR, _UNIT = 278, 279, 282, 283, 284, 296
_PREDICTOR, _EXTRA, _XMP, _ICC = 317, 338, 700, 34675


class TiffWriter(StripWriter):
    """Writes a TIFF file, of uint8 or uint16, into an empty `file`, which can seek.

    Args:
        like: what the result has in common with its source: channels, bits and metadata.
        size: (width, height) of the result.
        classic: images of more bytes than this become BigTIFF.
    """

    def __init__(
        self, file: BinaryIO, like: DecodedImage, size: tuple[int, int], classic: int = CLASSIC_BYTES
    ):
        width, height = size
        row_bytes = width * like.channels * like.bits // 8
        super().__init__(min(height, max(1, STRIP_BYTES // row_bytes)))
        self.file, self.like, self.size = file, like, size
        self.big = height * row_bytes > classic
        self.header = (
            struct.pack("<2sHHHQ", b"II", 43, 8, 0, 16) if self.big else struct.pack("<2sHI", b"II", 42, 8)
        )
        self.counts: list[int] = []
        file.write(self.header)
        file.write(bytes(len(self._directory([0] * -(-height // self.rows)))))

    def write_strip(self, strip: np.ndarray) -> None:
        data = zlib.compress(_differences(strip), 6)
        self.counts.append(len(data))
        self.file.write(data)

    def close(self) -> None:
        super().close()
        self.file.seek(len(self.header))
        self.file.write(self._directory(self.counts))
        self.file.seek(0, SEEK_END)

    def _directory(self, counts: list[int]) -> bytes:
        tags = ImageFileDirectory_v2(self.header)
        _describe(tags, self.like, self.size)
        tags[_ROWS] = self.rows
        # Pillow counts offsets from the end of the directory, which is where the first strip begins
        for tag, values in ((_COUNTS, counts), (_OFFSETS, accumulate([0, *counts[:-1]]))):
            tags.tagtype[tag] = TiffTags.LONG8 if self.big else TiffTags.LONG
            tags[tag] = tuple(values)
        return tags.tobytes(len(self.header))


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


def _differences(rows: np.ndarray) -> bytes:
    """Each number minus the one to its left in the same row and channel, little-endian."""
    differences = rows.copy()
    differences[:, 1:] -= rows[:, :-1]
    return differences.astype(differences.dtype.newbyteorder("<"), copy=False).tobytes()
