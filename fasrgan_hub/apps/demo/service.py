"""Runs the jobs of the page and of the endpoints, one at a time, each with limits and a folder for its files."""

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
from ..web.job_registry import JobRegistry, RunningJob
from . import processing
from .limits import Limits
from .model_cache import ModelCache, UpscaleSettings
from .processing import ScoreMapResult, UpscaleResult

QUOTED_PATH = re.compile(r"'/(?:[^/']*/)*([^/']*)'")
FOLDERS = re.compile(r"(?<![\w.:/])/(?:[^\s/]+/)+")

ReportStep = Callable[[int, int, str], None]
"""Called with (steps done, steps in all, what is being done)."""


class Service:
    """The work for all visitors.

    Args:
        limits: of the jobs.
        folder: gets a folder of an unguessable name for the files of every job.
    """

    def __init__(self, limits: Limits, folder: Path):
        self.limits = limits
        self.folder = folder
        self.jobs = JobRegistry()
        self.models = ModelCache(limits.model_mb)
        self.compute_lock = threading.Lock()

    def warm_up(self) -> None:
        """Load the default model, so that the first visitor need not wait for it."""
        self.models.upscaler(UpscaleSettings())

    @contextmanager
    def job(self, session: str) -> Iterator[tuple[RunningJob, Path]]:
        """A job and an empty folder for its files, which is deleted if the job fails."""
        folder = self.folder / secrets.token_hex(16)
        # A job that was stopped may still compute its last tile: the next one waits for that.
        with self.jobs.run(session, self.limits.seconds) as job, self.compute_lock:
            job.check()
            folder.mkdir(parents=True)
            try:
                yield job, folder
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise

    def upscale(
        self,
        session: str,
        source: Path | None,
        settings: UpscaleSettings,
        file_format: str,
        truth: Path | None,
        report: ReportStep,
    ) -> UpscaleResult:
        """Enlarge one image, also with bicubic to compare it with, and score it if the true image is given."""
        source, megapixels = _require(source), self.limits.megapixels
        with self.job(session) as (job, folder):
            report(0, 1, "Loading the model")
            upscaler = self.models.upscaler(settings)
            progress = _tile_progress(job, report)
            result, target, facts = processing.upscale_file(
                source, folder, settings, upscaler, file_format, megapixels, progress
            )
            report(1, 1, "Preparing the comparison")
            baseline = self.models.upscaler(UpscaleSettings("bicubic", scale=settings.scale))
            bicubic = baseline(read_image(source, megapixels), lambda *_: job.check())
            if truth is not None:
                report(1, 1, "Comparing with the true image")
                facts |= processing.compare(
                    result, bicubic, read_image(truth, megapixels * settings.scale**2)
                )
            job.check()
            files = UpscaleResult(target, folder / "before.png", folder / "after.png", facts)
            save_image(bicubic, files.before)
            save_image(result, files.after)
            return files

    def upscale_all(
        self,
        session: str,
        sources: Sequence[Path],
        settings: UpscaleSettings,
        file_format: str,
        report: ReportStep,
    ) -> tuple[Path, list[tuple[str, str]]]:
        """Enlarge several images: a zip file of the results, and (name, result or error) for each image."""
        if len(sources) > self.limits.files:
            raise UserError(
                f"at most {self.limits.files} images are accepted at once; these are {len(sources)}"
            )
        lines: list[tuple[str, str]] = []
        targets: list[Path] = []
        with self.job(session) as (job, folder):
            report(0, 1, "Loading the model")
            upscaler = self.models.upscaler(settings)
            for number, source in enumerate(sources, start=1):
                subfolder = folder / str(number)
                subfolder.mkdir()
                progress = _tile_progress(job, report, f"Image {number} of {len(sources)}: ")
                try:
                    _, target, facts = processing.upscale_file(
                        source, subfolder, settings, upscaler, file_format, self.limits.megapixels, progress
                    )
                except UserError as error:
                    job.check()
                    lines.append((source.name, public_message(error)))
                else:
                    targets.append(target)
                    lines.append((source.name, f"{facts['Result']}, {facts['Time']}"))
            if not targets:
                raise UserError("; ".join(f"{name}: {message}" for name, message in lines))
            archive = processing.pack(targets, folder / "upscaled.zip")
            for number in range(1, len(sources) + 1):
                shutil.rmtree(folder / str(number))
            return archive, lines

    def score_map(
        self, session: str, source: Path | None, model: str, megapixels: float, report: ReportStep
    ) -> ScoreMapResult:
        """Score an image as it is with the discriminator of a model."""
        source = _require(source)
        with self.job(session) as (job, folder):
            report(0, 1, "Loading the discriminator")
            predictor = self.models.score_map_predictor(model)
            image = read_image(source, megapixels)
            score_map = predictor(image, _tile_progress(job, report, unit="Window"))
            return processing.save_score_map(score_map, image, folder, predictor.name)

    def magnified_parts(
        self, result: UpscaleResult, across: float, down: float, side: int
    ) -> tuple[Image.Image, Image.Image]:
        """The same square of bicubic and of the result, magnified; arguments as of `processing.magnify`."""
        try:
            before = processing.magnify(result.before, across, down, side)
            return before, processing.magnify(result.after, across, down, side)
        except FileNotFoundError:
            raise MissingFileError("this result has been deleted by now; upscale the image again") from None


def public_message(error: Exception) -> str:
    """The message of a UserError as a sentence, without the folders of this machine."""
    text = QUOTED_PATH.sub(r"'\1'", str(error))
    text = " ".join(FOLDERS.sub("", text).split())
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _require(source: Path | None) -> Path:
    if source is None:
        raise UserError("choose an image first")
    return source


def _tile_progress(job: RunningJob, report: ReportStep, label: str = "", unit: str = "Tile") -> Progress:
    def progress(done: int, total: int) -> None:
        job.check()
        report(done, total, f"{label}{unit} {done} of {total}")

    return progress
