"""What the numbers of a pixel mean: where white is, which channels are colors, and what a network gets of them."""

import numpy as np

from ..errors import UserError


def white(pixels: np.ndarray) -> int:
    """The value of white in an array of this type: the largest integer, such as 255; 1 for floats."""
    return int(np.iinfo(pixels.dtype).max) if pixels.dtype.kind == "u" else 1


def colors(pixels: np.ndarray) -> np.ndarray:
    """(..., C) -> (..., 1 or 3): gray or RGB, without alpha."""
    return pixels[..., : 1 if pixels.shape[-1] < 3 else 3]


def as_input(images: np.ndarray) -> np.ndarray:
    """(N, H, W, 1 or 3) of any type -> (N, 3, H, W) float32 in [0, 1], as networks take images."""
    channels = images.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(white(images))
    return channels.repeat(3 // channels.shape[1], axis=1)


def check_white(floats: np.ndarray, name: str) -> None:
    """Raise UserError for an image of floats whose white is not 1, but 255, say."""
    if np.mean(floats > 1) > 0.5:
        raise UserError(f"{name} holds floats up to {floats.max():g}; they must lie in [0, 1]")
