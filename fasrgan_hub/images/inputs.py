"""What Python users pass as an image: a path, a Pillow image, a `DecodedImage` or an array."""

from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import UserError, WrongTypeError
from .decoded import DecodedImage
from .pixels import check_white
from .reading import from_image, read_image

ImageInput = str | Path | DecodedImage | np.ndarray | Image.Image


def decode(image: ImageInput) -> DecodedImage:
    """The pixels of any image input as (H, W, C), and the metadata that came with them.

    Args:
        image: a file; a Pillow image of any mode; a `DecodedImage`; or an array (H, W) or (H, W, C) of uint8,
            uint16 or floats in [0, 1], where C is 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.

    Raises UserError for a file that cannot be read, an animation, and an array that is not an image or whose floats
    are out of range.
    """
    if isinstance(image, str | Path):
        return read_image(image)
    if isinstance(image, Image.Image):
        return from_image(image)
    if isinstance(image, DecodedImage):
        check_array(image.pixels)
        return image
    check_array(image)
    return DecodedImage(image if image.ndim == 3 else image[:, :, None])


def check_array(pixels: np.ndarray) -> None:
    """Raise UserError unless an array has a shape and a type that `decode` takes."""
    if not isinstance(pixels, np.ndarray):
        kind = type(pixels).__name__
        hint = "; call the model itself for a tensor: model(x)" if kind == "Tensor" else ""
        raise WrongTypeError(
            f"an image is a path, a Pillow image, a DecodedImage or an array, not {kind}{hint}"
        )
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and not 1 <= pixels.shape[2] <= 4) or 0 in pixels.shape:
        raise UserError(f"an array of shape {pixels.shape} is not an image; use (H, W) or (H, W, 1 to 4)")
    if pixels.dtype not in (np.uint8, np.uint16) and not np.issubdtype(pixels.dtype, np.floating):
        raise UserError(f"pixels of type {pixels.dtype} are not supported; use uint8, uint16 or floats")
    if pixels.dtype.kind == "f":
        if not np.isfinite(pixels).all():
            raise UserError("the array holds values that are infinite or not a number")
        check_white(pixels, "the array")
