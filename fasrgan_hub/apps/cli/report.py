"""What `fasrgan upscale` prints: a line or JSON object per result, progress bars on a terminal, a summary."""

import json
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from tqdm import tqdm

from ...errors import UserError
from ...upscaling.tiles import Progress
from .batch import FileResult, summarize
from .exit_status import print_error
from .jobs import UpscaleJob


class Report:
    """Prints results as they come. A context manager: progress bars are removed at its end.

    Lines go to standard error, JSON objects to standard output.

    Args:
        hidden: a folder's name that is left out of what is printed.
    """

    def __init__(self, jobs: Sequence[UpscaleJob], *, json_lines: bool = False, hidden: str = ""):
        self.jobs, self.json_lines, self.hidden = jobs, json_lines, hidden
        self.results: list[FileResult] = []
        self.started = time.monotonic()
        self.images = tqdm(total=len(jobs), unit="image", disable=None if len(jobs) > 1 else True)
        self.tiles: tqdm | None = None

    def __enter__(self) -> "Report":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close_tiles()
        self.images.close()

    def begin(self, job: UpscaleJob) -> Progress:
        """Open a bar for a job; the result takes (tiles done, tiles in all)."""
        self._close_tiles()
        bar = self.tiles = tqdm(desc=job.source.name, unit="tile", leave=False, disable=None)

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return progress

    def add(self, result: FileResult) -> None:
        """Print a result."""
        self.results.append(result)
        self._close_tiles()
        self.images.update()
        with tqdm.external_write_mode(file=sys.stderr):
            if self.json_lines:
                record = {key: self._shorten(value) for key, value in result.record().items()}
                print(json.dumps(record), flush=True)
            if result.status == "done":
                print(self._shorten(str(result)), file=sys.stderr)
            elif result.error and len(self.jobs) > 1:
                print_error(result.error)

    def summarize(self) -> None:
        """Print the last line. Raises UserError if a job failed."""
        failed = [result for result in self.results if result.error is not None]
        if len(self.jobs) == 1 and failed:
            raise UserError(failed[0].error)
        if len(self.jobs) > 1 or not self.results[0].size:
            print(summarize(self.results, time.monotonic() - self.started), file=sys.stderr)
        if failed:
            raise UserError(f"{len(failed)} of {len(self.jobs)} images failed")

    def _shorten(self, value: Any) -> Any:
        return value.replace(self.hidden, "") if self.hidden and isinstance(value, str) else value

    def _close_tiles(self) -> None:
        if self.tiles is not None:
            self.tiles.close()
            self.tiles = None
