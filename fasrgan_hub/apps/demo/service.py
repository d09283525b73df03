"""What the page and its endpoints do when somebody asks: one job at a time, watched from the desk."""

import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from ...errors import MissingFileError, UserError
from ...images.reading import read_image
from ...images.writing import save_image
from ...upscaling.tiles import Progress
from ...upscaling.upscaler import Upscaler
from . import work
from .limits import Limits
from .model_cache import Settings, Shelf
from .rate_limits import Desk, Job

QUOTED_PATH = re.compile(r"'/(?:[^/']*/)*([^/']*)'")
FOLDERS = re.compile(r"(?<![\w.:/])/(?:[^\s/]+/)+")

Report = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what is being done)."""


class Service:
    """The work for all visitors. Results lie in folders of their own, under unguessable names, in `folder`."""

    def __init__(self, limits: Limits, folder: Path):
        self.limits = limits
        self.folder = folder
        self.desk = Desk()
        self.shelf = Shelf(limits.model_mb)
        self.bicubic = Upscaler("bicubic")
        self.bench = threading.Lock()

    def warm_up(self) -> None:
        """Make the default model ready, so that the first visitor need not wait for it."""
        self.shelf.upscaler(Settings())

    @contextmanager
    def job(self, session: str) -> Iterator[tuple[Job, Path]]:
        """A job and an empty folder for its results, which goes away if the job fails."""
        folder = self.folder / secrets.token_hex(16)
        # A job that was stopped may still be at its last tile: the next one waits for that.
        with self.desk.job(session, self.limits.seconds) as job, self.bench:
            job.check()
            folder.mkdir(parents=True)
            try:
                yield job, folder
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    def upscale(
        self, session: str, source: Path, settings: Settings, ending: str, truth: Path | None, report: Report
    ) -> work.Outcome:
        """Enlarge one image, show it beside bicubic, and score it if the true image is given."""
        with self.job(session) as (job, folder):
            report(0, 1, "Getting the model ready")
            upscaler = self.shelf.upscaler(settings)
            result, target, facts = work.enlarge(
                source, folder, settings, upscaler, ending, self.limits.megapixels, _tiles(job, report, "")
            )
            report(1, 1, "Drawing the comparison")
            small = read_image(source, self.limits.megapixels)
            bicubic = self._bicubic(settings.scale)(small, lambda *_: job.check())
            if truth is not None:
                report(1, 1, "Comparing with the true image")
                most = self.limits.megapixels * settings.scale**2
                facts |= work.scores(result, bicubic, read_image(truth, most))
            job.check()
            outcome = work.Outcome(target, folder / "before.png", folder / "after.png", facts)
            save_image(bicubic, outcome.before)
            save_image(result, outcome.after)
            return outcome

    def upscale_all(
        self, session: str, sources: Sequence[Path], settings: Settings, ending: str, report: Report
    ) -> tuple[Path, list[tuple[str, str]]]:
        """Enlarge several images; a zip of the results, and (name, what became of it) for each."""
        if len(sources) > self.limits.files:
            raise UserError(f"at most {self.limits.files} images at once, please; these are {len(sources)}")
        told, done = [], []
        with self.job(session) as (job, folder):
            report(0, 1, "Getting the model ready")
            upscaler = self.shelf.upscaler(settings)
            for number, source in enumerate(sources, start=1):
                place = folder / str(number)
                place.mkdir()
                label = f"DecodedImage {number} of {len(sources)}: "
                try:
                    _, target, facts = work.enlarge(
                        source,
                        place,
                        settings,
                        upscaler,
                        ending,
                        self.limits.megapixels,
                        _tiles(job, report, label),
                    )
                except UserError as error:
                    job.check()
                    told.append((source.name, plain(error)))
                else:
                    done.append(target)
                    told.append((source.name, f"{facts['Result']}, {facts['Time']}"))
            if not done:
                raise UserError("; ".join(f"{name}: {reason}" for name, reason in told))
            archive = work.pack(done, folder / "upscaled.zip")
            for number in range(1, len(sources) + 1):
                shutil.rmtree(folder / str(number))
            return archive, told

    def score_map(
        self, session: str, source: Path, model: str, megapixels: float, report: Report
    ) -> work.Judgement:
        """ScoreMapPredictor an image as it is."""
        with self.job(session) as (job, folder):
            report(0, 1, "Getting the discriminator ready")
            judge = self.shelf.judge(model)
            image = read_image(source, megapixels)
            scored = judge(image, _tiles(job, report, "", "Window"))
            return work.draw(scored, image, folder, judge.name)

    def zoom(
        self, outcome: work.Outcome, across: float, down: float, side: int
    ) -> tuple[Image.Image, Image.Image]:
        """The same square of bicubic and of the result."""
        try:
            parts = (work.crop(path, across, down, side) for path in (outcome.before, outcome.after))
            before, after = map(work.magnified, parts)
        except FileNotFoundError:
            raise MissingFileError("this result has been deleted by now; upscale the image again") from None
        return before, after

    def _bicubic(self, scale: float) -> Upscaler:
        return self.bicubic if scale == 4 else self.shelf.upscaler(Settings("bicubic", scale=scale))


def plain(error: Exception) -> str:
    """What a UserError says, as a sentence without the folders of this machine."""
    text = QUOTED_PATH.sub(r"'\1'", str(error))
    text = " ".join(FOLDERS.sub("", text).split())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _tiles(job: Job, report: Report, label: str, unit: str = "Tile") -> Progress:
    def progress(done: int, total: int) -> None:
        job.check()
        report(done, total, f"{label}{unit} {done} of {total}")

    return progress
