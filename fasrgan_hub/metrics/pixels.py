"""What the metrics share: how an image is brought to 8-bit RGB, its Y, and the gaussian window.

Scores of the paper are scores of 8-bit RGB images. Gray is replicated to three channels, 16 bits are
rounded to 8, alpha is left out. Floating-point images are refused: how they are rounded decides the score,
so the caller does it.
"""

import numpy as np
import torch

from ..errors import UserError
from ..images.pixels import colors

# MATLAB's rgb2ycbcr (BT.601): Y runs from 16 to 235.
LUMA_WEIGHTS = np.array([65.481, 128.553, 24.966]) / 255
LUMA_OFFSET = 16.0


def rgb8(image: np.ndarray) -> np.ndarray:
    """Gray (H x W, H x W x 1) or RGB, with or without alpha, uint8 or uint16 -> H x W x 3 uint8."""
    if image.dtype == np.uint16:
        image = np.rint(image / 257).astype(np.uint8)
    if image.dtype != np.uint8:
        raise UserError(f"images are measured in 8 or 16 bits, not as {image.dtype}; round them first")
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or not 1 <= image.shape[2] <= 4:
        raise UserError(f"an array of shape {image.shape} is no image; give height x width x 3")
    return np.broadcast_to(colors(image), (*image.shape[:2], 3))


def rgb8_pair(sr: np.ndarray, hr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both images as H x W x 3 uint8; UserError if their sizes differ."""
    sr, hr = rgb8(sr), rgb8(hr)
    if sr.shape != hr.shape:
        raise UserError(f"the images differ in size: {size_of(sr)} against {size_of(hr)}; crop them alike")
    return sr, hr


def luma(image: np.ndarray) -> np.ndarray:
    """H x W x 3 in [0, 255] -> Y of YCbCr as MATLAB defines it, H x W float64 in [16, 235], not rounded."""
    red, green, blue = LUMA_WEIGHTS
    y = image[..., 0] * red
    y += image[..., 1] * green
    y += image[..., 2] * blue
    y += LUMA_OFFSET
    return y


def blur(x: np.ndarray, size: int, sigma: float) -> np.ndarray:
    """(..., H, W) -> (..., H - size + 1, W - size + 1) float64: a gaussian window of odd size where it fits."""
    weights = np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2)
    weights /= weights.sum()
    plane = torch.from_numpy(np.ascontiguousarray(x, np.float64))
    # One axis after the other, as a sum of shifted planes: it streams through memory, where a window would hop.
    for axis in (-2, -1):
        length = plane.shape[axis] - size + 1
        total = plane.narrow(axis, 0, length) * weights[0]
        for offset, weight in enumerate(weights[1:], 1):
            total.add_(plane.narrow(axis, offset, length), alpha=weight)
        plane = total
    return plane.numpy()


def size_of(image: np.ndarray) -> str:
    """width x height, as people write it."""
    return f"{image.shape[1]}x{image.shape[0]}"
