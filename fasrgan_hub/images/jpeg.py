"""JPEG files, written from rows as they come: nothing waits for the whole image.

Pillow encodes whole images only, so each strip of rows becomes a JPEG of its own, and their coded data is joined.
That is valid because the coder starts anew after a restart marker (ITU-T T.81, E.1.4), and every row of blocks ends
with one. The pixels are those that Pillow would write for the whole image.
"""

from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from ..errors import FailedError
from .strips import StripWriter

BLOCK = 8
"""Rows of a block without chroma subsampling."""
STRIP = 8 * BLOCK
"""Rows of a strip: restart markers count from 0 to 7, so that each strip begins with 0."""

_SOF0, _SOF15, _SOS, _DHT = 0xC0, 0xCF, 0xDA, 0xC4
_RESTART_7, _END = b"\xff\xd7", b"\xff\xd9"


class JpegWriter(StripWriter):
    """Writes a JPEG file without chroma subsampling, from rows of uint8 with 1 or 3 channels.

    Args:
        height: rows of the image.
        quality: 1 to 100.
        metadata: Pillow's options `icc_profile`, `exif`, `dpi`, `xmp` and `comment`. ValueError if they do not fit.
    """

    def __init__(self, file: BinaryIO, height: int, quality: int, metadata: dict[str, Any]):
        super().__init__(STRIP)
        self.file, self.height, self.metadata = file, height, metadata
        self.options: dict[str, Any] = {"quality": quality, "subsampling": 0, "restart_marker_rows": 1}

    def write_strip(self, strip: np.ndarray) -> None:
        encoded = BytesIO()
        image = Image.fromarray(strip[:, :, 0] if strip.shape[2] == 1 else strip)
        first = self.file.tell() == 0
        image.save(encoded, "JPEG", **self.options, **(self.metadata if first else {}))
        header, data = _split(encoded.getvalue(), self.height)
        self.file.write(header if first else _RESTART_7)
        self.file.write(data)

    def close(self) -> None:
        super().close()
        self.file.write(_END)


def _split(jpeg: bytes, height: int) -> tuple[bytes, bytes]:
    """The header of a JPEG, with another height in it, and the coded data without the end marker."""
    header = bytearray(jpeg)
    place = 2
    while (marker := jpeg[place + 1]) != _SOS:
        if marker == _SOF0:
            header[place + 5 : place + 7] = height.to_bytes(2, "big")
        elif _SOF0 < marker <= _SOF15 and marker != _DHT:
            raise FailedError("this Pillow does not write baseline JPEG; use .png or .tif")
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return bytes(header[:place]), jpeg[place : -len(_END)]
