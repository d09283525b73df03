"""DecodedImage files through an Upscaler, one after another; a mistake in one does not stop the others."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import FailedError, OutOfMemoryError, UserError
from ...upscaling.tiles import Progress, out_of_memory
from ...upscaling.upscaler import Upscaler
from .jobs import UpscaleJob
from .streaming import Written, upscale_to_file


@dataclass(frozen=True)
class FileResult:
    """What became of a job: "done", "skipped" or "failed".

    Args:
        size: (width, height) of the result.
        color_shift: how far red, green and blue were off before they were matched, in 1/255.
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
            return f"{line} ({self.error or 'is there already'})"
        told = f"{self.size[0]}x{self.size[1]}, {self.seconds:.1f} s with {self.engine}"
        if self.color_shift:
            told += ", colors were off by {:.1f}, {:.1f}, {:.1f}".format(*self.color_shift)
        return f"{line} ({told})"

    def record(self) -> dict[str, Any]:
        """The same for a program, as JSON takes it."""
        return {
            "source": str(self.job.source),
            "target": str(self.job.target),
            "model": self.job.model,
            "status": self.status,
            "size": self.size,
            "seconds": round(self.seconds, 3),
            "engine": self.engine,
            "drift": self.color_shift and [round(level, 3) for level in self.color_shift],
            "error": self.error,
        }


def run_jobs(
    jobs: Sequence[UpscaleJob],
    upscalers: Mapping[str, Upscaler],
    *,
    skip_done: bool = False,
    progress: Callable[[UpscaleJob], Progress] | None = None,
) -> Iterator[FileResult]:
    """Do the jobs in their order and tell what became of each.

    Args:
        upscalers: by the names of the models.
        skip_done: leave a target alone that is no older than its source.
        progress: makes, when a job begins, what is then called with its (tiles done, tiles in all).
    """
    for job in jobs:
        if skip_done and job.is_done():
            yield FileResult(job, "skipped")
            continue
        upscaler, started = upscalers[job.model], time.monotonic()
        try:
            written = upscale_file(upscaler, job, progress(job) if progress else None)
        except UserError as error:
            yield FileResult(
                job, "failed", time.monotonic() - started, upscaler.engine_name, error=str(error)
            )
        else:
            seconds = time.monotonic() - started
            yield FileResult(job, "done", seconds, upscaler.engine_name, written.size, written.color_shift)


def upscale_file(upscaler: Upscaler, job: UpscaleJob, progress: Progress | None = None) -> Written:
    """Read, enlarge, write. Raises UserError whatever goes wrong."""
    try:
        return upscale_to_file(upscaler, job.source, job.target, progress)
    except UserError:
        raise
    except Exception as error:
        if out_of_memory(error):
            raise OutOfMemoryError(
                f"not enough memory to enlarge '{job.source}'; try smaller tiles"
            ) from error
        raise FailedError(f"cannot enlarge '{job.source}': {error!r}") from error


def summary(outcomes: Sequence[FileResult], seconds: float) -> str:
    """One line: how many came out how, how much that was, and what computed it."""
    counts = {status: sum(o.status == status for o in outcomes) for status in ("done", "skipped", "failed")}
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count or status == "done")
    megapixels = sum(outcome.megapixels for outcome in outcomes)
    engines = ", ".join(sorted({o.engine for o in outcomes if o.engine and o.status == "done"}))
    line = f"{told}; {megapixels:.1f} megapixels in {seconds:.1f} s" + (f" ({engines})" if engines else "")
    shifts = [outcome.color_shift for outcome in outcomes if outcome.color_shift]
    if shifts:
        mean = (sum(channel) / len(shifts) for channel in zip(*shifts, strict=True))
        line += "; colors were off by {:.1f}, {:.1f}, {:.1f} levels".format(*mean)
    return line
