"""Moving images (GIF, WebP, APNG, AVIF): their frames in, their frames out."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from ..errors import UserError
from .atomic import replace_file
from .decoded import DecodedImage, join_bands, to_image
from .png import Timing, write_png
from .reading import Source, frame_count, megapixel_limit, name_of, opened, upright
from .sixteen_bit import image_array
from .writing import check_output, format_of, save_options, with_hard_edges


@dataclass
class Animation:
    """Frames of one size and kind, each as it is seen: what a file leaves out of a frame has been put in.

    Args:
        frames: uint8; all with alpha or none.
        timing: how they follow each other.
    """

    frames: list[DecodedImage]
    timing: Timing


def is_animation(source: Source) -> bool:
    """Whether a file holds frames that follow each other in time."""
    with suppress(UserError), opened(source) as (image, _):
        return image.format != "TIFF" and frame_count(image) > 1
    return False


def read_animation(source: Source) -> Animation:
    """Read all frames. Raises UserError as `read_image` does; the limit of pixels is one for all together."""
    limit = megapixel_limit()
    with opened(source) as (image, _):
        count = frame_count(image)
        if image.width * image.height * count > limit * 1e6:
            name = name_of(source)
            raise UserError(f"the {count} frames of '{name}' have more than {limit:g} megapixels together")
        plays = _plays(image)
        still = int(bool(image.info.get("default_image")))  # APNG: for those who show no motion; no frame
        pixels, durations = [], []
        for index in range(still, count):
            image.seek(index)
            image.load()
            durations.append(float(image.info.get("duration", 0)))
            pixels.append(image_array(image, "RGBA"))
        channels = 3 if all((frame[:, :, 3] == 255).all() for frame in pixels) else 4
        frames = [upright(image, frame[:, :, :channels]) for frame in pixels]
    return Animation(frames, Timing(tuple(durations), plays))


def save_animation(
    frames: Iterable[Iterable[np.ndarray]],
    like: Animation,
    size: tuple[int, int],
    path: str | Path,
    quality: int | None = None,
) -> None:
    """Write .png (APNG, as the rows come), .webp (both lossless) or .gif (256 colors), whole or not at all.

    Args:
        frames: each as bands of rows, from top to bottom.
        like: where they came from: timing, channels and metadata are taken from it.
        size: (width, height) of the result.
        quality: 1 to 100: .webp is then lossy.

    Raises UserError: the format cannot hold the frames, or the place cannot be written.
    """
    first = like.frames[0]
    check_output(path, first, size, len(like.frames))
    name = format_of(path)
    with replace_file(path) as file:
        if name == "PNG":
            write_png(file, first, size, frames, like.timing)
        else:
            shape = (size[1], size[0], first.channels)
            images = [to_image(replace(first, pixels=join_bands(bands, shape, np.uint8))) for bands in frames]
            _save_images(file, name, images, like, quality)


def _plays(image: Image.Image) -> int:
    """How often a file wants to be shown; 0 is for ever. GIF counts repetitions, and none is one showing."""
    loop = image.info.get("loop", None if image.format == "GIF" else 0)
    if loop is None:
        return 1
    return loop + 1 if image.format == "GIF" and loop else loop


def _save_images(
    file: BinaryIO, name: str, images: list[Image.Image], like: Animation, quality: int | None
) -> None:
    options = dict(save_options(name, quality))
    timing = like.timing
    if icc := like.frames[0].icc:
        options["icc_profile"] = icc
    if name == "GIF":
        images = [with_hard_edges(image) for image in images]
        options["disposal"] = 2 if images[0].mode == "RGBA" else 1
        options["optimize"] = False
        if timing.plays != 1:
            options["loop"] = max(0, timing.plays - 1)
    else:
        options["loop"] = timing.plays
    durations = [round(duration) for duration in timing.durations]
    first, *others = images
    first.save(file, name, save_all=True, append_images=others, duration=durations, **options)
