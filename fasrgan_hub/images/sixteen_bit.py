"""Sixteen bits a channel, where Pillow's images have eight.

Pillow decodes such files but keeps the high byte of every number. Told that the bytes come in the other order, it
keeps the low one: two passes give both.
"""

import sys
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

STRIP = 256
_SWAPPED = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_PLANES = 284  # TIFF's PlanarConfiguration
_BITS = 258  # TIFF's BitsPerSample


def is_deep(image: Image.Image) -> bool:
    """Whether the file of an opened, not yet loaded image has 16 bits a channel and more than one channel."""
    rawmode = _rawmode(image)
    return image.mode in ("RGB", "RGBA") and rawmode[:-1].endswith(";16") and rawmode[-1] in _SWAPPED


def is_beyond(image: Image.Image) -> bool:
    """Whether Pillow would lose something, or take a TIFF's pixels for what they are not."""
    tags = getattr(image, "tag_v2", {})
    apart = tags.get(_PLANES) == 2 and max(tags.get(_BITS, (1,))) > 8
    return bool(tags) and (image.mode == "F" or apart)


def read_deep(file: BinaryIO, image: Image.Image) -> np.ndarray:
    """The pixels, (H, W, C) uint16, of a file that `is_deep`; `image` is that file, opened and not yet loaded."""
    rawmode = _rawmode(image)
    if rawmode.startswith("LA"):  # its four bytes have the room of RGBA
        return _pixels(_loaded(image, "RGBA")).view(">u2").astype(np.uint16)
    premultiplied = rawmode.startswith("RGBa")
    rawmode = rawmode.replace("RGBa", "RGBA")  # Pillow would divide each byte by itself
    pixels = _pixels(_loaded(image, rawmode)).astype(np.uint16)
    pixels <<= 8
    file.seek(0)
    with Image.open(file) as again:
        pixels |= _pixels(_loaded(again, rawmode[:-1] + _SWAPPED[rawmode[-1]]))
    if premultiplied:
        alpha = np.maximum(pixels[:, :, 3:], 1).astype(np.float32)
        pixels[:, :, :3] = np.minimum(pixels[:, :, :3] * (65_535 / alpha), 65_535).round()
    key = image.info.get("transparency")
    if pixels.shape[2] == 3 and isinstance(key, tuple):
        opaque = (pixels != np.array(key)).any(axis=2, keepdims=True)
        pixels = np.concatenate((pixels, opaque * np.uint16(65_535)), axis=2)
    return pixels


def _rawmode(image: Image.Image) -> str:
    arguments: Any = image.tile[0].args if getattr(image, "tile", None) else ""  # type: ignore[attr-defined]
    rawmode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return rawmode if isinstance(rawmode, str) else ""


def _loaded(image: Image.Image, rawmode: str) -> Image.Image:
    """The image, its bytes taken to lie in the file as `rawmode` says."""
    image.tile = [  # type: ignore[attr-defined]
        tile._replace(args=(rawmode, *tile.args[1:]) if isinstance(tile.args, tuple) else rawmode)
        for tile in image.tile  # type: ignore[attr-defined]
    ]
    image.load()
    return image


def _pixels(image: Image.Image) -> np.ndarray:
    return image_array(image, image.mode)


def image_array(image: Image.Image, mode: str) -> np.ndarray:
    """A loaded image as (H, W, C) uint8 of that mode, converted strip by strip to need no second copy of it."""
    width, height = image.size
    pixels = np.empty((height, width, len(mode)), np.uint8)
    for top in range(0, height, STRIP):
        rows = image.crop((0, top, width, min(top + STRIP, height)))
        pixels[top : top + STRIP] = np.asarray(rows if rows.mode == mode else rows.convert(mode)).reshape(
            -1, width, len(mode)
        )
    return pixels
