"""Color images of 16 bits a channel, for which Pillow has no mode.

Pillow decodes such files but keeps only the high byte of every number. With the byte order reversed in the raw mode it
keeps the low byte instead: decoding twice gives both.
"""

import sys
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from .decoded import image_to_array

_REVERSED = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


def has_sixteen_bits(image: Image.Image) -> bool:
    """Whether the file of an opened, not yet loaded image has more than one channel and 16 bits in each."""
    rawmode = _rawmode(image)
    return image.mode in ("RGB", "RGBA") and rawmode[:-1].endswith(";16") and rawmode[-1] in _REVERSED


def read_sixteen_bits(file: BinaryIO, image: Image.Image) -> np.ndarray:
    """The pixels, (H, W, C) uint16, of a file that `has_sixteen_bits`; `image` is opened and not yet loaded."""
    rawmode = _rawmode(image)
    if rawmode.startswith("LA"):  # its four bytes fit into RGBA
        return _load(image, "RGBA").view(">u2").astype(np.uint16)
    premultiplied = rawmode.startswith("RGBa")
    rawmode = rawmode.replace("RGBa", "RGBA")  # Pillow would divide each byte by the alpha's
    pixels = _load(image, rawmode).astype(np.uint16)
    pixels <<= 8
    file.seek(0)
    with Image.open(file) as again:
        pixels |= _load(again, rawmode[:-1] + _REVERSED[rawmode[-1]])
    if premultiplied:
        pixels = unpremultiply(pixels)
    key = image.info.get("transparency")
    if pixels.shape[2] == 3 and isinstance(key, tuple):
        opaque = (pixels != np.array(key)).any(axis=2, keepdims=True)
        pixels = np.concatenate((pixels, opaque * np.uint16(65_535)), axis=2)
    return pixels


def unpremultiply(pixels: np.ndarray) -> np.ndarray:
    """Divide colors by their alpha, the last channel. Works in place on (H, W, C) of unsigned integers."""
    top = np.iinfo(pixels.dtype).max
    alpha = np.maximum(pixels[:, :, -1:], 1).astype(np.float32)
    pixels[:, :, :-1] = np.minimum(pixels[:, :, :-1] * (top / alpha), top).round()
    return pixels


def _rawmode(image: Image.Image) -> str:
    arguments: Any = image.tile[0].args if getattr(image, "tile", None) else ""  # type: ignore[attr-defined]
    rawmode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return rawmode if isinstance(rawmode, str) else ""


def _load(image: Image.Image, rawmode: str) -> np.ndarray:
    """Decode the image as if its file had this raw mode."""
    image.tile = [  # type: ignore[attr-defined]
        tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
        for tile in image.tile  # type: ignore[attr-defined]
    ]
    image.load()
    return image_to_array(image, image.mode)
