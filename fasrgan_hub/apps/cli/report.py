"""What `fasrgan upscale` prints: a line or JSON object per result, progress bars on a terminal, a summary."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

from ...errors import UserError
from ...upscaling.tiles import Progress
from .batch import FileResult, summarize
from .exit_status import print_error


@contextmanager
def progress_bar(name: str, unit: str) -> Iterator[Progress]:
    """A bar on a terminal for what reports (steps done, steps in all), for the time of a block."""
    with tqdm(desc=name, unit=unit, leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress


class Report:
    """Prints results as they come: lines on standard error, JSON objects on standard output.

    Args:
        count: of the jobs.
        hidden: a folder's name that is left out of what is printed.
    """

    def __init__(self, count: int, *, json_lines: bool = False, hidden: str = ""):
        self.count, self.json_lines, self.hidden = count, json_lines, hidden
        self.results: list[FileResult] = []
        self.started = time.monotonic()

    def add(self, result: FileResult) -> None:
        """Print a result."""
        self.results.append(result)
        with tqdm.external_write_mode(file=sys.stderr):
            if self.json_lines:
                print(json.dumps(result.record()).replace(json.dumps(self.hidden)[1:-1], ""), flush=True)
            if result.status == "done":
                print(str(result).replace(self.hidden, ""), file=sys.stderr)
            elif result.error and self.count > 1:
                print_error(result.error)

    def summarize(self) -> None:
        """Print the last line. Raises UserError if a job failed."""
        failed = [result for result in self.results if result.error is not None]
        if self.count == 1 and failed:
            raise UserError(failed[0].error)
        if self.count > 1 or not self.results[0].size:
            print(summarize(self.results, time.monotonic() - self.started), file=sys.stderr)
        if failed:
            raise UserError(f"{len(failed)} of {self.count} images failed")
