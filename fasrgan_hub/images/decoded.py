"""An image in memory: pixels as an array, and the metadata of its file."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from ..errors import UserError

STRIP = 256
"""Rows that are converted to another mode at once."""

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


@dataclass
class DecodedImage:
    """A still image, upright, with its metadata.

    Args:
        pixels: (H, W, C), uint8 or uint16, not premultiplied. C is 1 gray, 2 gray and alpha, 3 RGB, 4 RGB
            and alpha.
        icc: the color profile of the pixels.
        exif: the EXIF block, without orientation and sizes.
        dpi: dots per inch, (horizontal, vertical).
        xmp: the XMP packet, without orientation.
        text: other texts by keyword, such as "Comment".
        color: a PNG's color information other than a profile, by the names of Pillow's `info`: gamma, srgb,
            chromaticity.
        codec: of the file that the pixels came from, if it may have lost something: "JPEG", "WEBP", ...
        quality: of a JPEG file, 1 to 100, about.
    """

    pixels: np.ndarray
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    xmp: bytes | None = None
    text: dict[str, str] = field(default_factory=dict)
    color: dict[str, Any] = field(default_factory=dict)
    codec: str | None = None
    quality: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), in Pillow's order."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def channels(self) -> int:
        return self.pixels.shape[2]

    @property
    def bits(self) -> int:
        """Bits a channel: 8 or 16."""
        return 8 * self.pixels.dtype.itemsize

    @property
    def has_alpha(self) -> bool:
        return self.channels in (2, 4)

    @property
    def mode(self) -> str:
        """The Pillow mode that holds these pixels: L, LA, RGB, RGBA or I;16; UserError if there is none."""
        if self.bits == 8:
            return _MODES[self.channels]
        if self.channels == 1:
            return "I;16"
        raise UserError(
            f"Pillow has no images of {_MODES[self.channels]} with 16 bits a channel; use arrays or files"
        )


def to_image(image: DecodedImage) -> Image.Image:
    """The Pillow image of a DecodedImage, with its metadata in `info` under the names that Pillow uses."""
    _ = image.mode  # raises for what Pillow has no image for
    result = Image.fromarray(image.pixels[:, :, 0] if image.channels == 1 else image.pixels)
    known = {"icc_profile": image.icc, "exif": image.exif, "dpi": image.dpi, "xmp": image.xmp}
    result.info.update({name: value for name, value in known.items() if value} | image.text | image.color)
    return result


def image_to_array(image: Image.Image, mode: str) -> np.ndarray:
    """A loaded image as (H, W, C) uint8 of that mode. It is converted in strips, without a second copy of it."""
    width, height = image.size
    pixels = np.empty((height, width, len(mode)), np.uint8)
    for top in range(0, height, STRIP):
        strip = image.crop((0, top, width, min(top + STRIP, height)))
        pixels[top : top + STRIP] = np.asarray(strip.convert(mode)).reshape(-1, width, len(mode))
    return pixels


def join_bands(bands: Iterable[np.ndarray], shape: tuple[int, int, int], dtype: Any) -> np.ndarray:
    """Join bands of rows, from top to bottom, into one array of this shape (H, W, C)."""
    pixels = np.empty(shape, dtype)
    top = 0
    for band in bands:
        if len(band) == shape[0]:
            return band
        pixels[top : top + len(band)] = band
        top += len(band)
        del band  # before the next one is made
    assert top == len(pixels)
    return pixels
