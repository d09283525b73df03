"""PSNR, SSIM and RMSE against the original, as the paper's tables measure them (Section IV-A).

All take (sr, hr), H x W x 3 uint8 of the same size (see `pixels` for other kinds), shave `border` pixels from
every side (4 in the paper) and compare Y of YCbCr, or, with luma=False, the three colors together.
"""

import math

import numpy as np
import torch

from ..errors import UserError
from ..images.bicubic import downscale
from .pixels import blur, rgb8, rgb8_pair, size_of
from .pixels import luma as luma_of

# Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004.
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_C1 = (0.01 * 255) ** 2
SSIM_C2 = (0.03 * 255) ** 2


def rmse(sr: np.ndarray, hr: np.ndarray, border: int = 4, luma: bool = True) -> float:
    """Root mean square error in gray levels, 0 (equal) to 255."""
    a, b = _planes(sr, hr, border, luma, smallest=1)
    return math.sqrt(np.mean((a - b) ** 2))


def psnr(sr: np.ndarray, hr: np.ndarray, border: int = 4, luma: bool = True) -> float:
    """Peak signal-to-noise ratio in dB for a peak of 255; infinite for equal images."""
    error = rmse(sr, hr, border, luma)
    return 20 * math.log10(255 / error) if error else math.inf


def lr_psnr(sr: np.ndarray, lr: np.ndarray, border: int = 4, luma: bool = True) -> float:
    """PSNR of the result, shrunk again by MATLAB's bicubic, against the LR image it was made from.

    High where a method only adds detail that the LR image allows; a method that removes noise cannot be high.

    Args:
        sr: H x W x 3 uint8, H and W the same multiple of lr's sides.
        lr: what it was made from.
        border: HR pixels to shave, rounded up to whole LR pixels.
        luma: whether Y is compared, or the three colors.
    """
    scale, rest = divmod(sr.shape[0], lr.shape[0])
    if rest or sr.shape[:2] != (lr.shape[0] * scale, lr.shape[1] * scale):
        raise UserError(f"a result of {size_of(sr)} is no multiple of its LR image, which is {size_of(lr)}")
    planes = torch.from_numpy(rgb8(sr).transpose(2, 0, 1).copy()).to(torch.float64) / 255
    shrunk = (downscale(planes, scale) * 255).round().byte().permute(1, 2, 0).numpy()
    return psnr(shrunk, lr, math.ceil(border / scale), luma)


def ssim(sr: np.ndarray, hr: np.ndarray, border: int = 4, luma: bool = True) -> float:
    """Structural similarity, 1 for equal images: gaussian window of 11 px, sigma 1.5, valid region only.

    In color it is the mean over the channels.
    """
    a, b = _planes(sr, hr, border, luma, smallest=SSIM_WINDOW)

    # Of the two variances only their sum is needed: four planes to blur instead of five.
    mean_a, mean_b, squares, product = (
        blur(plane, SSIM_WINDOW, SSIM_SIGMA) for plane in (a, b, a * a + b * b, a * b)
    )
    product_of_means, squares_of_means = mean_a * mean_b, mean_a**2 + mean_b**2
    structure = (2 * (product - product_of_means) + SSIM_C2) / (squares - squares_of_means + SSIM_C2)
    luminance = (2 * product_of_means + SSIM_C1) / (squares_of_means + SSIM_C1)
    return float(np.mean(luminance * structure))


def color_shift(sr: np.ndarray, hr: np.ndarray) -> float:
    """By how many gray levels the means of the two images differ, in the color where they differ most.

    sr and hr are H x W x 3 uint8 of the same size.
    """
    sr, hr = rgb8_pair(sr, hr)
    return float(np.abs(sr.mean(axis=(0, 1)) - hr.mean(axis=(0, 1))).max())


def _planes(
    sr: np.ndarray, hr: np.ndarray, border: int, luma: bool, smallest: int
) -> tuple[np.ndarray, np.ndarray]:
    """What is compared: float64 planes (1 or 3, H, W) without the border."""
    if border < 0:
        raise UserError(f"border is {border}; it must be 0 or more")
    sr, hr = rgb8_pair(sr, hr)
    if min(sr.shape[:2]) < smallest + 2 * border:
        least = smallest + 2 * border
        raise UserError(f"an image of {size_of(sr)} is too small to measure; it needs {least}x{least} pixels")

    def plane(image: np.ndarray) -> np.ndarray:
        image = image[border : image.shape[0] - border, border : image.shape[1] - border]
        return luma_of(image)[None] if luma else image.transpose(2, 0, 1).astype(np.float64)

    return plane(sr), plane(hr)
