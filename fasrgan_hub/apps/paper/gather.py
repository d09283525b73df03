"""What the paper's figures show, computed from methods, sets and runs, and handed to `figures`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from ...errors import UserError
from ...evaluation.benchmarks import open_benchmark
from ...evaluation.methods import open_method
from ...evaluation.scoring import crop_to_common_size, make_lr, read_rgb8
from ...metrics.named import Meter, MetricOptions, metric_names
from ...models.generators import Generator
from ...systems import from_pretrained
from ...training.curves import read_log
from .figures import (
    Box,
    draw_crops,
    draw_depths,
    draw_features,
    draw_tradeoff,
    draw_training,
    first_block_features,
)
from .tables import Run


def tradeoff(rows: Sequence[str], on: str, target: Path, run: Run) -> dict[str, tuple[float, float]]:
    """Fig. 5: RMSE and LPIPS of every method on a set; returns what was drawn."""
    images = open_benchmark(on)
    points = {}
    for who in map(open_method, rows):
        means = run.report(who, images, ("rmse", "lpips")).means
        points[who.name] = (means["rmse"], means["lpips"])
    draw_tradeoff(points, target)
    return points


def crops(
    rows: Sequence[str], image: Path, small: Path | None, box: Box | None, metrics: str, target: Path
) -> dict[str, dict[str, float]]:
    """Fig. 6-8, 10, 11 and 14: what every method makes of one image; returns the scores under the patches.

    Without `small`, the image is shrunk with bicubic; without `box`, a quarter of the sides around the center is
    shown. A folder of finished images stands for the file in it of the image's name.
    """
    truth = read_rgb8(image)
    truth = truth[: truth.shape[0] // 4 * 4, : truth.shape[1] // 4 * 4]
    given = make_lr(truth) if small is None else read_rgb8(small)
    height, width = truth.shape[:2]
    box = box or (width * 3 // 8, height * 3 // 8, max(1, width // 4), max(1, height // 4))
    names = metric_names(metrics)
    meter = Meter(tuple(names), MetricOptions())
    results: dict[str, np.ndarray] = {}
    scores: dict[str, dict[str, float]] = {}
    for who in map(open_method, rows):
        if who.folder is None:
            results[who.name] = who.upscale(given)
        else:
            results[who.name] = read_rgb8(_finished(who.folder, image))
        scores[who.name] = meter(*crop_to_common_size(results[who.name], truth))
    draw_crops(truth, results, scores, box, target, image.stem)
    return scores


def training(runs: Mapping[str, Path], score: str, target: Path) -> dict[str, list[tuple[int, float]]]:
    """Fig. 9: one validation score ("Set14 lpips") of several runs over their steps."""
    curves = {}
    for name, folder in runs.items():
        _, scores = read_log(folder / "log.jsonl")
        if score not in scores:
            there = ", ".join(scores) or "no validation scores"
            raise UserError(f"the log of '{folder}' has no '{score}'; it has {there}")
        curves[name] = scores[score]
    draw_training(curves, score, target)
    return curves


def features(models: Mapping[str, str], image: Path, channels: Sequence[int], target: Path) -> None:
    """Fig. 12: what the first residual block of every model sees in one (small) image."""
    pixels = read_rgb8(image)
    x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None] / 255
    maps = {name: first_block_features(_generator(model), x) for name, model in models.items()}
    draw_features(maps, target, channels)


def depth(
    models: Mapping[str, str], on: str, metrics: str, target: Path, run: Run
) -> dict[str, dict[str, float]]:
    """Fig. 13: scores over the depth of the shared extractor, which is read from each model."""
    images = open_benchmark(on)
    found = {}
    for name, model in models.items():
        extractor = _generator(model).extractor
        shared = 0 if extractor is None else len(extractor.body)
        report = run.report(open_method(f"{name}={model}"), images, metric_names(metrics))
        found[f"E{shared}"] = (shared, report.means)
    if len(found) < len(models):
        raise UserError("two of the models share a depth; name one of each")
    scores = {name: means for name, (_, means) in sorted(found.items(), key=lambda item: item[1][0])}
    draw_depths(scores, target)
    return scores


def named(rows: Sequence[str]) -> dict[str, str]:
    """["with=DIR", "org/model"] -> {"with": "DIR", "org/model": "org/model"}."""
    parts = [row.partition("=") for row in rows]
    return {name: place or name for name, _, place in parts}


def _generator(model: str) -> Generator:
    return from_pretrained(model)


def _finished(folder: Path, image: Path) -> Path:
    from ...evaluation.pairs import images, pair_files

    ((_, found),) = pair_files([image], images(folder), folder)
    return found
