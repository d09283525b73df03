"""Animations (GIF, WebP, APNG, AVIF): reading and writing their frames."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from ..errors import UserError
from .atomic import replace_file
from .decoded import DecodedImage, bands_to_image, image_to_array
from .png import Timing, write_png
from .reading import Source, frame_count, megapixel_limit, name_of, opened, upright
from .writing import Format, check_output, format_of, with_hard_edges


@dataclass
class Animation:
    """Complete frames of one size and kind: areas that the file does not repeat are filled in.

    Args:
        frames: uint8; all with alpha or none.
        timing: how long each is shown, and how often all are.
    """

    frames: list[DecodedImage]
    timing: Timing


def is_animation(source: Source) -> bool:
    """Whether a file holds more than one frame. The pages of a TIFF are not an animation."""
    with suppress(UserError), opened(source) as (image, _):
        return image.format != "TIFF" and frame_count(image) > 1
    return False


def read_animation(source: Source) -> Animation:
    """Read all frames. Raises UserError as `read_image` does; its limit of pixels holds for all frames together."""
    limit = megapixel_limit()
    with opened(source) as (image, _):
        count = frame_count(image)
        if image.width * image.height * count > limit * 1e6:
            name = name_of(source)
            raise UserError(f"the {count} frames of '{name}' have more than {limit:g} megapixels together")
        plays = _plays(image)
        still = int(
            bool(image.info.get("default_image"))
        )  # APNG: a still image for viewers without animation
        pixels, durations = [], []
        for index in range(still, count):
            image.seek(index)
            image.load()
            durations.append(float(image.info.get("duration", 0)))
            pixels.append(image_to_array(image, "RGBA"))
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
    """Write .png (APNG, as the rows come), .webp (both lossless) or .gif (256 colors); the file is complete or absent.

    Args:
        frames: each as bands of rows, from top to bottom.
        like: the source, whose timing, channels and metadata are used.
        size: (width, height) of the result.
        quality: 1 to 100: .webp is then lossy.

    Raises UserError if the format cannot hold the frames, or the file cannot be written.
    """
    first = like.frames[0]
    check_output(path, first, size, len(like.frames))
    with replace_file(path) as file:
        if format_of(path).name == "PNG":
            write_png(file, first, size, frames, like.timing)
        else:
            images = [bands_to_image(bands, first, size) for bands in frames]
            _save_images(file, format_of(path), images, like, quality)


def _plays(image: Image.Image) -> int:
    """How often an animation plays; 0 is for ever. GIF counts repetitions: without that entry it plays once."""
    loop = image.info.get("loop", None if image.format == "GIF" else 0)
    if loop is None:
        return 1
    return loop + 1 if image.format == "GIF" and loop else loop


def _save_images(
    file: BinaryIO, form: Format, images: list[Image.Image], like: Animation, quality: int | None
) -> None:
    options = form.options(quality)
    timing = like.timing
    if icc := like.frames[0].icc:
        options["icc_profile"] = icc
    if form.name == "GIF":
        images = [with_hard_edges(image) for image in images]
        options["disposal"] = 2 if images[0].mode == "RGBA" else 1
        options["optimize"] = False
        if timing.plays != 1:
            options["loop"] = max(0, timing.plays - 1)
    else:
        options["loop"] = timing.plays
    durations = [round(duration) for duration in timing.durations]
    first, *others = images
    first.save(file, form.name, save_all=True, append_images=others, duration=durations, **options)
