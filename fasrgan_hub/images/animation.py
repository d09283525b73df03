"""Animations (GIF, WebP, APNG, AVIF): reading their frames."""

from contextlib import suppress
from dataclasses import dataclass

from PIL import Image

from ..errors import UserError
from .decoded import DecodedImage, image_to_array
from .png import Timing
from .reading import Source, frame_count, megapixel_limit, name_of, opened, read_image, upright


@dataclass
class Animation:
    """Complete frames of one size and kind: areas that the file does not repeat are filled in.

    Args:
        frames: of an animation uint8; all with alpha or none.
        timing: how long each is shown, and how often all are; None for a still image.
    """

    frames: list[DecodedImage]
    timing: Timing | None


def is_animation(source: Source) -> bool:
    """Whether a file holds more than one frame. The pages of a TIFF are not an animation."""
    with suppress(UserError), opened(source) as image:
        return image.format != "TIFF" and frame_count(image) > 1
    return False


def read_frames(source: Source) -> Animation:
    """Read an animation, or a still image as one frame. Raises UserError as `read_image` does."""
    return read_animation(source) if is_animation(source) else Animation([read_image(source)], None)


def read_animation(source: Source) -> Animation:
    """Read all frames. Raises UserError as `read_image` does; its limit of pixels holds for all frames together."""
    limit = megapixel_limit()
    with opened(source) as image:
        count = frame_count(image)
        if image.width * image.height * count > limit * 1e6:
            name = name_of(source)
            raise UserError(f"the {count} frames of '{name}' have more than {limit:g} megapixels together")
        plays = _plays(image)
        # In an APNG the first may be a still image, for viewers without animation.
        still = int(bool(image.info.get("default_image")))
        pixels, durations = [], []
        for index in range(still, count):
            image.seek(index)
            image.load()
            durations.append(float(image.info.get("duration", 0)))
            pixels.append(image_to_array(image, "RGBA"))
        channels = 3 if all((frame[:, :, 3] == 255).all() for frame in pixels) else 4
        frames = [upright(image, frame[:, :, :channels]) for frame in pixels]
    return Animation(frames, Timing(tuple(durations), plays))


def _plays(image: Image.Image) -> int:
    """How often an animation plays; 0 is for ever. GIF counts repetitions: without that entry it plays once."""
    loop = image.info.get("loop", None if image.format == "GIF" else 0)
    if loop is None:
        return 1
    return loop + 1 if image.format == "GIF" and loop else loop
