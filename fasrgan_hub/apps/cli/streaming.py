"""From an image file to an enlarged image file, without the whole result in memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...images.animation import Animation, is_animation, read_animation, save_animation
from ...images.reading import Source, read_image
from ...images.writing import check_output, save_bands
from ...upscaling.tiles import Progress
from ...upscaling.upscaler import Bands, Upscaler


@dataclass(frozen=True)
class Written:
    """A result in a file.

    Args:
        size: (width, height) in pixels.
        color_shift: as in `Upscaled`; the mean over the frames of an animation.
    """

    size: tuple[int, int]
    color_shift: tuple[float, float, float] | None = None


def upscale_to_file(
    upscaler: Upscaler,
    source: Source,
    target: str | Path,
    progress: Progress | None = None,
    quality: int | None = None,
) -> Written:
    """Read an image or an animation, and write the Upscaler's result band by band.

    Besides the input, memory holds one row of tiles of the result; all of it if the format of `target` cannot be
    written in bands (see `images.writing`). The target is complete or absent.

    Args:
        progress: called with (tiles done, tiles in all).
        quality: as of `images.writing.save_bands`.

    Raises UserError if the source cannot be read or the target cannot be written.
    """
    if is_animation(source):
        return _upscale_animation(upscaler, read_animation(source), target, progress, quality)
    image = read_image(source)
    size = upscaler.enlarged(image.size)
    check_output(target, image, size)
    bands = upscaler.bands(image.pixels, progress)
    save_bands(bands, image, size, target, quality)
    return Written(size, bands.color_shift)


def _upscale_animation(
    upscaler: Upscaler,
    animation: Animation,
    target: str | Path,
    progress: Progress | None,
    quality: int | None,
) -> Written:
    frames = animation.frames
    size = upscaler.enlarged(frames[0].size)
    results: list[Bands] = []

    def enlarge_frames() -> Iterator[Bands]:
        for index, frame in enumerate(frames):

            def report(done: int, total: int, index: int = index) -> None:
                if progress is not None:
                    progress(index * total + done, len(frames) * total)

            results.append(upscaler.bands(frame.pixels, report))
            yield results[-1]

    save_animation(enlarge_frames(), animation, size, target, quality)
    shifts = [bands.color_shift for bands in results if bands.color_shift]
    mean = [sum(channel) / len(shifts) for channel in zip(*shifts, strict=True)]
    return Written(size, (mean[0], mean[1], mean[2]) if mean else None)
