"""`scripts/benchmark.py quality`: Quality against time on the CPU: a table and a plot of several models."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from fasrgan_hub.apps.cli.options import argument, option, parse_count, repeated
from fasrgan_hub.hub.model_files import SCALE

from .upscaling import best_of, print_table, tile

BICUBIC, CLEAN = "bicubic", "clean"


@dataclass
class Options:
    models: list[str] = argument("MODEL", nargs="+")
    """bundled models, folders or Hub ids, also as NAME=MODEL"""
    sets: list[str] = repeated("SET", "--set")
    """benchmarks, as `fasrgan evaluate` takes them"""
    degrade: str = option("LIST", default="web,camera,real")
    """degradations of the LR images (default: web,camera,real)"""
    size: int = option("N", default=96, type=parse_count)
    """side of the tile that is timed (default: 96)"""
    rounds: int = option("N", default=3, type=parse_count)
    """best of so many (default: 3)"""
    output: str | None = option("IMAGE", "-o")
    """plot of LPIPS on the degraded images against time: .png, .svg or .pdf"""


@dataclass(frozen=True)
class Point:
    """One model: parameters, seconds of one core for a tile, and LPIPS by condition, the mean of the benchmarks."""

    name: str
    parameters: int
    seconds: float
    scores: Mapping[str, float]

    @property
    def degraded(self) -> float:
        """Mean over the degraded conditions."""
        return fmean(value for condition, value in self.scores.items() if condition != CLEAN)


def run(options: Options) -> int:
    """Score each model on clean and degraded images, time it in plain PyTorch on one thread, print and plot both."""
    from fasrgan_hub.evaluation.methods import open_method, split_name

    places = {open_method(spec).name: split_name(spec)[1] for spec in options.models}
    scores = measure_scores(options)
    times = measure_times(places, options)
    points = [
        Point(name, *times[name], scores[name]) for name in sorted(times, key=lambda name: times[name][1])
    ]
    rows = [["", "parameters", "seconds", *scores[BICUBIC]], [BICUBIC, "", "", *_digits(scores[BICUBIC])]]
    for point in points:
        rows.append([point.name, f"{point.parameters:,}", f"{point.seconds:.3f}", *_digits(point.scores)])
    print_table(rows)
    if options.output:
        draw(points, Path(options.output), options.size)
    return 0


def measure_scores(options: Options) -> dict[str, dict[str, float]]:
    """By method, bicubic among them: LPIPS by condition, the mean over the benchmarks."""
    from fasrgan_hub.evaluation.benchmarks import open_benchmark
    from fasrgan_hub.evaluation.degraded import add_degraded, read_conditions
    from fasrgan_hub.evaluation.methods import open_method
    from fasrgan_hub.evaluation.score_cache import default_folder
    from fasrgan_hub.evaluation.scoring import ScoringOptions, score_all

    conditions = read_conditions(options.degrade)
    methods = [open_method(spec) for spec in (BICUBIC, *options.models)]
    benchmarks = [open_benchmark(spec, SCALE) for spec in options.sets]
    scoring = ScoringOptions(cache=default_folder(), progress=sys.stderr.isatty())
    reports = score_all(methods, add_degraded(benchmarks, conditions), ["lpips"], scoring)
    places = {CLEAN: [benchmark.name for benchmark in benchmarks]}
    for condition in conditions:
        places[condition.name] = [condition.name_benchmark(benchmark.name) for benchmark in benchmarks]
    return {
        method.name: {
            condition: fmean(reports[name, method.name].means["lpips"] for name in names)
            for condition, names in places.items()
        }
        for method in methods
    }


def measure_times(places: Mapping[str, str], options: Options) -> dict[str, tuple[int, float]]:
    """By name: parameters, and seconds of one core for a tile, f32 in plain PyTorch, the models in turn."""
    import torch

    from fasrgan_hub.systems import from_pretrained

    from .runtimes import eager

    torch.set_num_threads(1)
    networks = {name: from_pretrained(place) for name, place in places.items()}
    runs = {name: eager(network)[1] for name, network in networks.items()}
    seconds = best_of(runs, tile(options.size), options.rounds, time.process_time)
    return {
        name: (sum(parameter.numel() for parameter in network.parameters()), seconds[name])
        for name, network in networks.items()
    }


def draw(points: Sequence[Point], target: Path, size: int) -> None:
    """LPIPS on degraded images against seconds, a point for each model."""
    from fasrgan_hub.evaluation.plotting import new_figure, save_figure

    figure = new_figure(6.4, 3.6)
    axis = figure.subplots()
    for point in points:
        axis.scatter(point.seconds, point.degraded, s=40)
        label = f"{point.name}\n{point.parameters / 1e6:.2g} M"
        axis.annotate(label, (point.seconds, point.degraded), (6, 4), textcoords="offset points", fontsize=8)
    axis.set_xscale("log")
    axis.margins(x=0.25, y=0.2)
    axis.set_xlabel(f"seconds of one CPU core for a tile of {size} x {size}, PyTorch f32", fontsize=9)
    axis.set_ylabel("LPIPS on degraded images, lower is better", fontsize=9)
    axis.grid(alpha=0.3)
    save_figure(figure, target)


def _digits(scores: Mapping[str, float]) -> list[str]:
    return [f"{value:.4f}" for value in scores.values()]
