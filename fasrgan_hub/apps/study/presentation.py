"""What a rater is shown: the next pair, as image files that do not tell the method."""

import hashlib
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from ...images.atomic import replace_file
from ...images.reading import read_image
from ...metrics.pixels import rgb8
from ..web.gradio_compat import upload_folder
from .design import Item, Study, patch
from .ratings import Ratings

PATCH_SIDE = 64
"""Side of the enlarged patch, in pixels of the original."""
PATCH_FACTOR = 5

AT_END = -1
"""The place in the order after the last pair."""


def next_pair(study: Study, ratings: Ratings, rater: str) -> tuple[Any, ...]:
    """The first pair that a rater has not rated: its place in the order, a line on the progress, and four image files.

    The files are None and the place is `AT_END` where all pairs are rated.
    """
    order = study.order(rater)
    for place, item in enumerate(order):
        if (study.name, rater, item.image, item.method) not in ratings.done:
            return place, f"Pair {place + 1} of {len(order)}", *_image_files(item)
    return AT_END, f"All {len(order)} pairs are rated. Thank you!", None, None, None, None


def _image_files(item: Item) -> list[str]:
    """Original and result, and the patch of both, enlarged by repeating pixels."""
    original, result = (rgb8(read_image(path).pixels) for path in (item.original, item.result))
    height, width = (min(sides) for sides in zip(original.shape[:2], result.shape[:2], strict=True))
    pair = [original[:height, :width], result[:height, :width]]
    rows, columns = patch(pair[0], PATCH_SIDE)
    patches = [image[rows, columns].repeat(PATCH_FACTOR, 0).repeat(PATCH_FACTOR, 1) for image in pair]
    return [_png_file(image) for image in pair + patches]


def _png_file(image: np.ndarray) -> str:
    """A PNG file named by its content.

    Gradio would write it in place, so that another rater who is shown the same image may receive half of it.
    """
    png = BytesIO()
    Image.fromarray(image).save(png, "PNG")
    folder = upload_folder() / hashlib.sha256(png.getvalue()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    with replace_file(folder / "image.png") as file:
        file.write(png.getvalue())
    return str(folder / "image.png")
