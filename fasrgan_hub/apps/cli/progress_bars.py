"""Progress on a terminal: images, with the time left, and the tiles of the one at work."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from ...upscaling.tiles import Progress
    from .jobs import UpscaleJob


class Bars:
    """Two bars on standard error, if that is a terminal; a context manager that takes them away at the end."""

    def __init__(self, jobs: "Sequence[UpscaleJob]"):
        self.images = tqdm(total=len(jobs), unit="image", disable=None if len(jobs) > 1 else True)
        self.tiles: tqdm | None = None

    def __enter__(self) -> "Bars":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()
        self.images.close()

    def begin(self, job: "UpscaleJob") -> "Progress":
        self._clear()
        bar = self.tiles = tqdm(desc=job.source.name, unit="tile", leave=False, disable=None)

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return progress

    def end(self) -> None:
        """The job that began last, or one that was skipped, has ended."""
        self._clear()
        self.images.update()

    def _clear(self) -> None:
        if self.tiles is not None:
            self.tiles.close()
            self.tiles = None
