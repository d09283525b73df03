"""Image quality, all in one style: a function of (sr, hr), both H x W x 3 uint8, that gives a float."""

from .distortion import psnr, rmse, ssim
from .lpips import LPIPS
from .niqe import niqe

__all__ = ["LPIPS", "niqe", "psnr", "rmse", "ssim"]
