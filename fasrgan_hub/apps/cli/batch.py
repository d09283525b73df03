"""An image file through an Upscaler into another file, without the whole result in memory, and how that went."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

from ...errors import UserError, is_out_of_memory
from ...images.animation import read_frames
from ...images.writing import open_writer
from ...upscaling.tiles import Progress
from ...upscaling.upscaler import Upscaler
from .jobs import UpscaleJob
from .picking import AutoUpscaler, HintingUpscaler

ColorShift = Sequence[float]
Picker = AutoUpscaler | HintingUpscaler


@dataclass(frozen=True)
class FileResult:
    """How a job ended: "done", "skipped" or "failed".

    Args:
        size: (width, height) of the result.
        color_shift: of red, green and blue, in 1/255, before `match_color` corrected it; the mean over the frames of
            an animation.
        note: which model was chosen and why, or a hint; empty for neither.
    """

    job: UpscaleJob
    status: str
    seconds: float = 0.0
    engine: str | None = None
    size: tuple[int, int] | None = None
    color_shift: ColorShift | None = None
    error: str | None = None
    note: str = ""

    def __str__(self) -> str:
        line = f"{self.job.source} -> {self.job.target}"
        if self.size is None:
            return f"{line} ({self.error or 'exists already'})"
        details = f"{self.size[0]}x{self.size[1]}, {self.seconds:.1f} s with {self.engine}"
        if self.color_shift:
            details += f", {_describe(self.color_shift)}"
        if self.note:
            details += f"; {self.note}"
        return f"{line} ({details})"

    def record(self) -> dict[str, Any]:
        """The same as JSON takes it."""
        job = {name: str(value) for name, value in vars(self.job).items()}
        return job | {name: value for name, value in vars(self).items() if name != "job"}


def upscale_file(
    job: UpscaleJob,
    upscaler: Upscaler | Picker,
    progress: Progress | None = None,
    quality: int | None = None,
) -> FileResult:
    """Read an image or an animation, and write the result band by band. What goes wrong is in the result as well.

    Besides the input, memory holds one row of tiles of the result; all of it if the format of the target cannot be
    written in bands (see `images.writing`). The target is complete or absent.

    Args:
        upscaler: or what picks one for the image.
        progress: called with (tiles done, tiles in all).
        quality: 1 to 100, for formats that have one; see `images.writing.open_writer`.
    """
    started, note = time.monotonic(), ""
    engine = upscaler.engine_name if isinstance(upscaler, Upscaler) else None
    try:
        animation = read_frames(job.source)
        frames, shifts = animation.frames, []
        if not isinstance(upscaler, Upscaler):
            upscaler, note = upscaler.pick(frames[0])
        size, engine = upscaler.enlarged(frames[0].size), upscaler.engine_name
        with open_writer(job.target, frames[0], size, quality, animation.timing) as writer:
            for number, frame in enumerate(frames):
                report = partial(_report_frame, progress, number, len(frames))
                bands = upscaler.bands(frame.pixels, report)
                for band in bands:
                    writer.write(band)
                    del band  # before the next one is made
                shifts.append(bands.color_shift)
    except BrokenPipeError:  # from the progress bar
        raise
    except Exception as error:
        seconds = round(time.monotonic() - started, 3)
        return FileResult(job, "failed", seconds, engine, error=_explain(error, job))
    seconds = round(time.monotonic() - started, 3)
    return FileResult(job, "done", seconds, engine, size, _mean(shifts), note=note)


def _report_frame(progress: Progress | None, number: int, frames: int, done: int, total: int) -> None:
    if progress is not None:
        progress(number * total + done, frames * total)


def _explain(error: Exception, job: UpscaleJob) -> str:
    """The message of an error; a fault of the program does not stop a batch either."""
    if isinstance(error, UserError):
        return str(error)
    if is_out_of_memory(error):
        return f"not enough memory to enlarge '{job.source}'; try a smaller --tile"
    return f"cannot enlarge '{job.source}': {error!r}"


def summarize(results: Sequence[FileResult], seconds: float) -> str:
    """One line: the number of images done, skipped and failed, megapixels, time, engines."""
    counts = {status: sum(r.status == status for r in results) for status in ("done", "skipped", "failed")}
    line = ", ".join(f"{count} {status}" for status, count in counts.items() if count or status == "done")
    pixels = sum(prod(result.size) for result in results if result.size)
    line += f"; {pixels / 1e6:.1f} megapixels in {seconds:.1f} s"
    if engines := sorted({r.engine for r in results if r.engine and r.status == "done"}):
        line += f" ({', '.join(engines)})"
    if shift := _mean([result.color_shift for result in results]):
        line += f"; {_describe(shift)}"
    return line


def _mean(shifts: Sequence[ColorShift | None]) -> ColorShift | None:
    known = [shift for shift in shifts if shift]
    return [round(sum(channel) / len(known), 3) for channel in zip(*known, strict=True)] if known else None


def _describe(shift: ColorShift) -> str:
    return "color shift {:.1f}, {:.1f}, {:.1f} of 255 corrected".format(*shift)
