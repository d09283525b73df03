"""What an Upscaler returns: a result with what was measured, or its rows on demand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from PIL import Image

from ..images.decoded import DecodedImage
from .color import ColorShift

Result = TypeVar("Result", DecodedImage, np.ndarray, Image.Image)


@dataclass(frozen=True)
class Upscaled(Generic[Result]):
    """One result of an Upscaler, and what was measured on the way.

    Args:
        image: of the kind that was passed in; a Pillow image for a path.
        color_shift: mean distance of red, green and blue before `match_color` corrected them, in 1/255; None
            without `match_color`.
    """

    image: Result
    color_shift: tuple[float, float, float] | None = None


class Bands(Iterator[np.ndarray]):
    """The rows of one result from top to bottom, in arrays (h, width, C) computed on demand.

    `color_shift` is as in `Upscaled`, over the bands that have been computed so far.
    """

    def __init__(self, bands: Iterator[np.ndarray], shift: ColorShift):
        self._bands, self._shift = bands, shift

    def __iter__(self) -> Iterator[np.ndarray]:
        return self._bands

    def __next__(self) -> np.ndarray:
        return next(self._bands)

    @property
    def color_shift(self) -> tuple[float, float, float] | None:
        return self._shift.mean()
