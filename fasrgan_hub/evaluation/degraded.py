"""Benchmarks whose LR images have blur, noise and compression, the same ones every time, and their table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..cache import cache_folder
from ..data.degradations import Mixture, read_mixture
from ..data.degradations.codecs import codec_versions
from ..data.degradations.fixed import degrade_image, differing_codecs
from ..errors import UserError
from ..images.atomic import create_folder
from ..images.decoded import DecodedImage
from ..images.writing import save_image
from ..metrics.named import METRICS
from .benchmarks import Benchmark
from .image_pairs import read_rgb8
from .score_cache import content_hash
from .score_report import ScoreReport
from .score_table import Column, Row, ScoreTable

CLEAN = "clean"

DEFAULT_METRICS = "psnr,ssim,lpips,dists,niqe"
"""Distortion, perception, and what needs no original."""

Reports = Mapping[tuple[str, str], ScoreReport]
"""(benchmark, method) -> scores."""


@dataclass(frozen=True)
class Condition:
    """A degradation and what it is called in tables."""

    name: str
    mixture: Mixture

    def name_benchmark(self, benchmark: str) -> str:
        """What a benchmark is called under this condition."""
        return f"{benchmark} {self.name}"


def read_conditions(text: str) -> list[Condition]:
    """Degradations with commas between: web,camera,real; or one mixture with shares: web=0.5,real=0.5.

    Raises UserError for what is none, and for a name that is there twice.
    """
    names = ["mixed"] if "=" in text else [Path(part.strip()).stem for part in text.split(",")]
    parts = [text] if "=" in text else text.split(",")
    if twice := [name for name in names if names.count(name) > 1 or name == CLEAN]:
        reason = "needs no --degrade" if twice[0] == CLEAN else "is there twice"
        raise UserError(f"--degrade {text}: {twice[0]} {reason}")
    return [Condition(name, read_mixture(part.strip())) for name, part in zip(names, parts, strict=True)]


def degrade_benchmark(benchmark: Benchmark, condition: Condition, seed: int = 0) -> Benchmark:
    """The benchmark with LR images under `condition`, which are kept in the package's cache as PNG files.

    Each depends on its original, that file's name and the seed. Warns if the encoders here do not do what was
    recorded, as scores are comparable only then. Raises UserError for originals that cannot be read.
    """
    differing_codecs()
    scale, originals = benchmark.scale, [hr for hr, _ in benchmark.pairs]
    key = content_hash(originals, condition.mixture, scale, seed, codec_versions())
    folder = cache_folder() / "degraded" / key
    if not folder.is_dir():
        with create_folder(folder) as lr:
            for hr in originals:
                image = degrade_image(read_rgb8(hr), hr.stem, condition.mixture, scale, seed)
                save_image(DecodedImage(image), lr / f"{hr.stem}.png")
    pairs = tuple((hr, folder / f"{hr.stem}.png") for hr in originals)
    return Benchmark(condition.name_benchmark(benchmark.name), pairs, scale)


def add_degraded(
    benchmarks: Sequence[Benchmark], conditions: Sequence[Condition], seed: int = 0
) -> list[Benchmark]:
    """The benchmarks, and each of them under each condition."""
    degraded = [
        degrade_benchmark(benchmark, condition, seed=seed)
        for benchmark in benchmarks
        for condition in conditions
    ]
    return [*benchmarks, *degraded]


def tabulate_conditions(
    reports: Reports, conditions: Sequence[Condition], metrics: Sequence[str], measured: str
) -> dict[str, ScoreTable]:
    """A table for each metric: a row for each benchmark and method, a column for each condition, clean ones first.

    Args:
        reports: of clean benchmarks (Set5) and of degraded ones (Set5 web).
        measured: what PSNR, SSIM and RMSE look at.
    """
    damaged = {condition.name_benchmark(on) for on, _ in reports for condition in conditions}
    rows = [(on, method) for on, method in reports if on not in damaged]
    return {
        metric: ScoreTable(
            f"{METRICS[metric].described}{(METRICS[metric].shaves and f'; {measured}') or ''}",
            tuple(
                Column(name, name, METRICS[metric].digits, METRICS[metric].higher)
                for name in (CLEAN, *(condition.name for condition in conditions))
            ),
            tuple(Row(on, method, _scores(reports, on, method, conditions, metric)) for on, method in rows),
        )
        for metric in metrics
    }


def _scores(
    reports: Reports, on: str, method: str, conditions: Sequence[Condition], metric: str
) -> dict[str, float]:
    """A method's mean score on a benchmark under every condition."""
    places = {CLEAN: on, **{condition.name: condition.name_benchmark(on) for condition in conditions}}
    return {name: reports[place, method].means[metric] for name, place in places.items()}
