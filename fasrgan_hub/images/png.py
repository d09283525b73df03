"""PNG files, still and animated (APNG), written from rows as they come: the whole image is never in memory.

Every row has the Paeth filter, and deflate uses runs and Huffman codes only (Z_RLE). For enlarged photographs and
drawings the files are as small as with a search over all filters and full deflate, and written several times as fast.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from .decoded import DecodedImage

SLICE_BYTES = 1 << 20
"""Bytes that are filtered at once: few, because filtering takes ten times their memory."""
_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}
_PAETH = 4


@dataclass(frozen=True)
class Timing:
    """The timing of an animation.

    Args:
        durations: of each frame, in milliseconds.
        plays: how often the animation plays; 0 is for ever.
    """

    durations: tuple[float, ...]
    plays: int = 0


class PngWriter:
    """Writes a PNG file: rows from top to bottom, and one frame after another.

    Args:
        like: what the result has in common with its source: channels, bits and metadata.
        size: (width, height) of the result.
        timing: None for a still image; else there are as many frames as it has durations.
    """

    def __init__(
        self, file: BinaryIO, like: DecodedImage, size: tuple[int, int], timing: Timing | None = None
    ):
        self.file, self.size, self.timing = file, size, timing
        self.pixel_bytes = like.channels * like.bits // 8
        self.frame = self.rows_done = self.sequence = 0
        self.above = np.zeros(size[0] * self.pixel_bytes, np.uint8)
        file.write(b"\x89PNG\r\n\x1a\n")
        _chunk(file, b"IHDR", struct.pack(">IIBBBBB", *size, like.bits, _KINDS[like.channels], 0, 0, 0))
        if timing:
            _chunk(file, b"acTL", struct.pack(">II", len(timing.durations), timing.plays))
        _metadata(file, like)

    def write(self, band: np.ndarray) -> None:
        """Write the next rows of a frame, (h, W, C) of uint8 or uint16."""
        if self.rows_done == 0:
            self._begin_frame()
        count = max(1, SLICE_BYTES // (self.size[0] * self.pixel_bytes))
        for top in range(0, len(band), count):
            rows = _bytes(band[top : top + count])
            self._write_data(self.deflate.compress(_paeth(rows, self.above, self.pixel_bytes).data))
            self.above = rows[-1].copy()
        self.rows_done += len(band)
        if self.rows_done == self.size[1]:
            self._write_data(self.deflate.flush())
            self.frame, self.rows_done = self.frame + 1, 0

    def close(self) -> None:
        _chunk(self.file, b"IEND", b"")

    def _begin_frame(self) -> None:
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
        self.above = np.zeros_like(self.above)
        if self.timing:
            delay = _fraction(self.timing.durations[self.frame])
            _chunk(
                self.file, b"fcTL", struct.pack(">IIIIIHHBB", self.sequence, *self.size, 0, 0, *delay, 0, 0)
            )
            self.sequence += 1

    def _write_data(self, data: bytes) -> None:
        if data and self.frame == 0:
            _chunk(self.file, b"IDAT", data)
        elif data:
            _chunk(self.file, b"fdAT", struct.pack(">I", self.sequence) + data)
            self.sequence += 1


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind)
    file.write(data)
    file.write(struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))


def _fraction(milliseconds: float) -> tuple[int, int]:
    """A time as a fraction of seconds with a numerator and a denominator of 16 bits."""
    if round(milliseconds) < 65_536:
        return round(milliseconds), 1000
    return min(round(milliseconds / 1000), 65_535), 1


def _metadata(file: BinaryIO, like: DecodedImage) -> None:
    color = like.color
    if "chromaticity" in color:
        points = (round(value * 100_000) for value in color["chromaticity"])
        _chunk(file, b"cHRM", struct.pack(">8I", *points))
    if "gamma" in color:
        _chunk(file, b"gAMA", struct.pack(">I", round(color["gamma"] * 100_000)))
    if like.icc:
        _chunk(file, b"iCCP", b"ICC Profile\0\0" + zlib.compress(like.icc))
    elif "srgb" in color:
        _chunk(file, b"sRGB", bytes([color["srgb"]]))
    if like.dpi:
        _chunk(file, b"pHYs", struct.pack(">IIB", *(round(value / 0.0254) for value in like.dpi), 1))
    if like.exif:
        _chunk(file, b"eXIf", like.exif.removeprefix(b"Exif\0\0"))
    if like.xmp:
        _chunk(file, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + like.xmp)
    for key, text in like.text.items():
        keyword = key.encode("latin-1", errors="replace")[:79]
        try:
            _chunk(file, b"tEXt", keyword + b"\0" + text.encode("latin-1"))
        except UnicodeEncodeError:
            _chunk(file, b"iTXt", keyword + b"\0\0\0\0\0" + text.encode(errors="replace"))


def _bytes(rows: np.ndarray) -> np.ndarray:
    """(h, W, C) of uint8 or uint16 -> (h, bytes of a row), the high byte first."""
    rows = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder(">"))
    return rows.view(np.uint8).reshape(len(rows), -1)


def _paeth(rows: np.ndarray, above: np.ndarray, pixel: int) -> np.ndarray:
    """Rows of bytes -> rows of filtered bytes, each after the number of the filter (PNG specification, 9.4)."""
    padded = np.zeros((len(rows) + 1, rows.shape[1] + pixel), np.int16)
    padded[0, pixel:] = above
    padded[1:, pixel:] = rows
    left, up, corner = padded[1:, :-pixel], padded[:-1, pixel:], padded[:-1, :-pixel]
    by_left, by_up = up - corner, left - corner  # distance of left + up - corner from left, and from up
    by_corner = np.abs(by_left + by_up)
    np.abs(by_left, out=by_left)
    np.abs(by_up, out=by_up)
    nearest = np.where(
        (by_left <= by_up) & (by_left <= by_corner), left, np.where(by_up <= by_corner, up, corner)
    )
    filtered = np.empty((len(rows), rows.shape[1] + 1), np.uint8)
    filtered[:, 0] = _PAETH
    np.subtract(rows, nearest, out=filtered[:, 1:], casting="unsafe")
    return filtered
