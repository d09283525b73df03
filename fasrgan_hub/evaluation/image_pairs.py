"""An original and what a method made of it, as H x W x 3 uint8: read, shrunk, and cropped to one size."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import UserError
from ..hub.model_files import SCALE
from ..images.bicubic import downscale
from ..images.reading import read_image
from ..metrics.pixels import rgb8, size_of

CROP_LIMIT = 16
"""Pixels by which a result's sides may differ from the original's: some authors crop before they shrink."""


def read_rgb8(path: Path) -> np.ndarray:
    """Read an image file as H x W x 3 uint8.

    Raises UserError also for floating-point files: how they are rounded decides the score.
    """
    return rgb8(read_image(path, floats=False).pixels)


def make_lr(hr: np.ndarray, scale: int = SCALE) -> np.ndarray:
    """Shrink by MATLAB's bicubic: H x W x 3 uint8 -> H // scale x W // scale x 3 uint8."""
    height, width = (side - side % scale for side in hr.shape[:2])
    if not height or not width:
        raise UserError(f"an image of {size_of(hr)} is too small to be shrunk by {scale}")
    planes = torch.from_numpy(hr[:height, :width].transpose(2, 0, 1).copy())
    lr = downscale(planes.to(torch.float64) / 255, scale)
    return (lr * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def require_similar_sizes(sr: np.ndarray, hr: np.ndarray) -> None:
    """Raise UserError where the sides of a result and an original differ by `CROP_LIMIT` pixels or more."""
    if any(abs(a - b) >= CROP_LIMIT for a, b in zip(sr.shape[:2], hr.shape[:2], strict=True)):
        raise UserError(
            f"the result has {size_of(sr)} pixels and the original {size_of(hr)}; it should be the model's scale times "
            "its LR image"
        )


def crop_to_common_size(sr: np.ndarray, hr: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Crop both to the smaller sides: at the right and the bottom, or on all sides, whichever agrees better.

    Authors crop originals to multiples of the scale, or leave the border of their results out. Raises UserError
    where the sides differ by 16 pixels or more.
    """
    if sr.shape == hr.shape:
        return sr, hr
    require_similar_sizes(sr, hr)
    height, width = map(min, zip(sr.shape[:2], hr.shape[:2], strict=True))

    def crop(image: np.ndarray, share: float) -> np.ndarray:
        top, left = int((image.shape[0] - height) * share), int((image.shape[1] - width) * share)
        return image[top : top + height, left : left + width]

    def difference(pair: tuple[np.ndarray, np.ndarray]) -> Any:
        return np.square(pair[0].astype(np.float32) - pair[1]).mean()

    return min(((crop(sr, share), crop(hr, share)) for share in (0, 0.5)), key=difference)
