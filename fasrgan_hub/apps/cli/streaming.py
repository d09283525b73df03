"""An image file through an Upscaler into another file, without the whole result in memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...images.animation import Animation, is_animation, read_animation, save_animation
from ...images.reading import Source, read_image
from ...images.writing import check_output, save_bands
from ...upscaling.tiles import Progress
from ...upscaling.upscaler import Upscaler


def upscale_to_file(
    upscaler: Upscaler, source: Source, target: str | Path, progress: Progress | None = None
) -> tuple[int, int]:
    """Read an image, still or moving, and write what the Upscaler makes of it, band by band.

    Besides the input, memory holds one row of tiles of the result; all of it if `target` is neither PNG nor TIFF.
    The target is there whole or not at all.

    Returns (width, height) of the result. Raises UserError for what is wrong with the source or the target.
    """
    if is_animation(source):
        return _upscale_animation(upscaler, read_animation(source), target, progress)
    image = read_image(source)
    size = upscaler.enlarged(image.size)
    check_output(target, image, size)
    save_bands(upscaler.bands(image.pixels, progress), image, size, target)
    return size


def _upscale_animation(
    upscaler: Upscaler, animation: Animation, target: str | Path, progress: Progress | None
) -> tuple[int, int]:
    frames = animation.frames
    size = upscaler.enlarged(frames[0].size)

    def results() -> Iterator[Iterator[np.ndarray]]:
        for index, frame in enumerate(frames):

            def told(done: int, total: int, index: int = index) -> None:
                if progress is not None:
                    progress(index * total + done, len(frames) * total)

            yield upscaler.bands(frame.pixels, told)

    save_animation(results(), animation, size, target)
    return size
