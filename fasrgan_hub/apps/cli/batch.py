"""Image files through an Upscaler, one after another; an error in one does not stop the others."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import UserError
from ...upscaling.tiles import Progress, out_of_memory
from ...upscaling.upscaler import Upscaler
from .jobs import UpscaleJob
from .streaming import upscale_to_file


@dataclass(frozen=True)
class FileResult:
    """How a job ended: "done", "skipped" or "failed".

    Args:
        size: (width, height) of the result.
        color_shift: of red, green and blue, in 1/255, before `match_color` corrected it.
    """

    job: UpscaleJob
    status: str
    seconds: float = 0.0
    engine: str | None = None
    size: tuple[int, int] | None = None
    color_shift: tuple[float, float, float] | None = None
    error: str | None = None

    @property
    def megapixels(self) -> float:
        return self.size[0] * self.size[1] / 1e6 if self.size else 0.0

    def __str__(self) -> str:
        line = f"{self.job.source} -> {self.job.target}"
        if self.size is None:
            return f"{line} ({self.error or 'exists already'})"
        details = f"{self.size[0]}x{self.size[1]}, {self.seconds:.1f} s with {self.engine}"
        if self.color_shift:
            details += f", {_describe(self.color_shift)}"
        return f"{line} ({details})"

    def record(self) -> dict[str, Any]:
        """The same as JSON takes it."""
        return {
            "source": str(self.job.source),
            "target": str(self.job.target),
            "model": self.job.model,
            "status": self.status,
            "size": self.size,
            "seconds": round(self.seconds, 3),
            "engine": self.engine,
            "color_shift": self.color_shift and [round(level, 3) for level in self.color_shift],
            "error": self.error,
        }


def upscale_files(
    jobs: Sequence[UpscaleJob],
    upscalers: Mapping[str, Upscaler],
    *,
    quality: int | None = None,
    skip_done: bool = False,
    progress: Callable[[UpscaleJob], Progress] | None = None,
) -> Iterator[FileResult]:
    """Do the jobs in their order.

    Args:
        upscalers: by the names of the models.
        quality: 1 to 100, for formats that have one; see `images.writing.save_bands`.
        skip_done: skip a job whose target is no older than its source.
        progress: called when a job begins; what it returns is called with (tiles done, tiles in all).
    """
    for job in jobs:
        if skip_done and job.is_done():
            yield FileResult(job, "skipped")
            continue
        upscaler, started = upscalers[job.model], time.monotonic()
        report = progress(job) if progress else None
        try:
            written = upscale_to_file(upscaler, job.source, job.target, report, quality)
        except BrokenPipeError:  # from the progress bar
            raise
        except Exception as error:
            seconds, reason = time.monotonic() - started, _explain(error, job)
            yield FileResult(job, "failed", seconds, upscaler.engine_name, error=reason)
        else:
            seconds = time.monotonic() - started
            yield FileResult(job, "done", seconds, upscaler.engine_name, written.size, written.color_shift)


def _explain(error: Exception, job: UpscaleJob) -> str:
    """The message of an error; a fault of the program does not stop a batch either."""
    if isinstance(error, UserError):
        return str(error)
    if out_of_memory(error):
        return f"not enough memory to enlarge '{job.source}'; try a smaller --tile"
    return f"cannot enlarge '{job.source}': {error!r}"


def summarize(results: Sequence[FileResult], seconds: float) -> str:
    """One line: the number of images done, skipped and failed, megapixels, time, engines."""
    counts = {status: sum(r.status == status for r in results) for status in ("done", "skipped", "failed")}
    line = ", ".join(f"{count} {status}" for status, count in counts.items() if count or status == "done")
    line += f"; {sum(result.megapixels for result in results):.1f} megapixels in {seconds:.1f} s"
    engines = sorted({r.engine for r in results if r.engine and r.status == "done"})
    if engines:
        line += f" ({', '.join(engines)})"
    shifts = [result.color_shift for result in results if result.color_shift]
    if shifts:
        line += f"; {_describe([sum(channel) / len(shifts) for channel in zip(*shifts, strict=True)])}"
    return line


def _describe(color_shift: Sequence[float]) -> str:
    return "color shift {:.1f}, {:.1f}, {:.1f} of 255 corrected".format(*color_shift)
