"""Runs the jobs of the page and of the endpoints, one at a time, each with limits and a folder for its files."""

import re
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from shlex import quote

from PIL import Image

from ...errors import MissingFileError, UserError
from ...hub.model_files import DEFAULT_MODEL
from ...images.reading import opened, read_image
from ...images.writing import save_image
from ...upscaling.tiles import Progress
from ..web.job_registry import JobRegistry, RunningJob
from . import processing
from .limits import Limits
from .map_drawing import DrawnMap, make_map, save_map, score
from .model_cache import ModelCache, UpscaleSettings
from .processing import UpscaleResult

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
        """Load the default model and its error map, so that the first visitor need not wait for them."""
        self.models.upscaler(UpscaleSettings())
        with suppress(MissingFileError):
            self.models.error_predictor(DEFAULT_MODEL)

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
        self.check_size(source)
        with self.job(session) as (job, folder):
            report(0, 1, "Loading the model")
            progress = _tile_progress(job, report)
            result, target, settings, facts = processing.upscale_file(
                source, folder, settings, self.models, file_format, megapixels, progress
            )
            report(1, 1, "Preparing the comparison")
            baseline = self.models.upscaler(
                UpscaleSettings("bicubic", scale=settings.scale, edges=settings.edges)
            )
            bicubic = baseline(read_image(source, megapixels), lambda *_: job.check())
            if truth is not None:
                report(1, 1, "Comparing with the true image")
                facts |= processing.compare(
                    result, bicubic, read_image(truth, megapixels * settings.scale**2)
                )
            job.check()
            files = UpscaleResult(
                target, folder / "before.png", folder / "after.png", facts, source, settings
            )
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
    ) -> Iterator[tuple[Path | None, list[tuple[str, str]]]]:
        """Enlarge several images one by one.

        Yields (name, state) for all images whenever a state changes, and at last with the zip file of the results.
        """
        if len(sources) > self.limits.files:
            raise UserError(
                f"at most {self.limits.files} images are accepted at once; these are {len(sources)}"
            )
        lines = [(source.name, "waits") for source in sources]
        targets: list[Path] = []
        with self.job(session) as (job, folder):
            for number, source in enumerate(sources):
                lines[number] = source.name, "is being enlarged"
                yield None, lines
                progress = _tile_progress(job, report, f"Image {number + 1} of {len(sources)}: ")
                try:
                    target, state = self._upscale_one(
                        source, folder / str(number), settings, file_format, progress
                    )
                except UserError as error:
                    job.check()
                    lines[number] = source.name, public_message(error)
                else:
                    targets.append(target)
                    lines[number] = source.name, state
            if not targets:
                raise UserError("; ".join(f"{name}: {message}" for name, message in lines))
            archive = processing.pack(targets, folder / "upscaled.zip")
            for number in range(len(sources)):
                shutil.rmtree(folder / str(number))
            yield archive, lines

    def _upscale_one(
        self, source: Path, folder: Path, settings: UpscaleSettings, file_format: str, progress: Progress
    ) -> tuple[Path, str]:
        """One image of a batch: the file of the result, and what to say of it."""
        folder.mkdir()
        self.check_size(source)
        _, target, _, facts = processing.upscale_file(
            source, folder, settings, self.models, file_format, self.limits.megapixels, progress
        )
        chosen = f", {facts['Model']} for {facts['Chosen for']}" if "Chosen for" in facts else ""
        return target, f"{facts['Result']}, {facts['Time']}{chosen}"

    def score_map(
        self, session: str, source: Path | None, model: str, megapixels: float, report: ReportStep
    ) -> DrawnMap:
        """Score an image as it is with the discriminator of a model."""
        source = _require(source)
        with self.job(session) as (job, folder):
            report(0, 1, "Loading the discriminator")
            image = read_image(source, megapixels)
            made, facts = score(self.models, model, image, _tile_progress(job, report))
            return save_map(made, facts, image, folder)

    def map_of_result(self, session: str, result: UpscaleResult, kind: str, report: ReportStep) -> DrawnMap:
        """The map of a result that is there, by kind."""
        megapixels = (
            17 * self.limits.megapixels
        )  # a result has 16 times the pixels of the input, and rounding
        with self.job(session) as (job, folder):
            report(0, 1, "Loading the model")
            small = read_image(result.source, self.limits.megapixels)
            image = read_image(result.after, megapixels)
            progress = _tile_progress(job, report)
            made, facts = make_map(self.models, kind, result.settings, small, image, progress)
            return save_map(made, facts, image, folder)

    def map_of_image(
        self, session: str, source: Path | None, settings: UpscaleSettings, kind: str, report: ReportStep
    ) -> DrawnMap:
        """Enlarge an image, and draw a map of the result."""
        source = _require(source)
        self.check_size(source)
        with self.job(session) as (job, folder):
            report(0, 1, "Loading the model")
            small = read_image(source, self.limits.megapixels)
            settings, _ = self.models.choose(settings, small)
            progress = _tile_progress(job, report)
            image = self.models.upscaler(settings)(small, progress)
            made, facts = make_map(self.models, kind, settings, small, image, progress)
            return save_map(made, facts, image, folder)

    def check_size(self, source: Path) -> None:
        """Raise UserError for a file that is no image, and for one that is too large, with what to do at home."""
        with opened(source, max_megapixels=1e6) as image:
            megapixels = image.width * image.height / 1e6
        if megapixels > self.limits.megapixels:
            raise UserError(
                f"'{source.name}' has {megapixels:.3g} megapixels, and {self.limits.megapixels:g} are accepted here. "
                f"Crop it, or enlarge it on your own machine: `pip install fasrgan-hub`, then "
                f"`fasrgan upscale {quote(source.name)}`"
            )

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
