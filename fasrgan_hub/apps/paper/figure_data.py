"""What the paper's figures show, computed from methods, benchmarks and runs, and drawn by `figures`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from ...data.pairs import images, pair_files
from ...errors import UserError
from ...evaluation.benchmarks import open_benchmark
from ...evaluation.image_pairs import crop_to_common_size, make_lr, read_rgb8
from ...evaluation.methods import Method, open_method, split_name
from ...evaluation.scoring import ScoringOptions, score
from ...hub.model_files import SCALE
from ...metrics.named import Meter, MetricOptions, metric_names
from ...systems import from_pretrained
from ...training.curves import read_log
from . import figures


def make_tradeoff(
    rows: Sequence[str], spec: str, target: Path, options: ScoringOptions
) -> dict[str, tuple[float, float]]:
    """Fig. 5: RMSE and LPIPS of every method on a benchmark; returns what was drawn."""
    benchmark = open_benchmark(spec)
    points = {}
    for method in map(open_method, rows):
        means = score(method, benchmark, ("rmse", "lpips"), options).means
        points[method.name] = (means["rmse"], means["lpips"])
    figures.draw_tradeoff(points, target)
    return points


def make_crops(
    rows: Sequence[str], image: Path, lr: Path | None, box: figures.Box | None, metrics: str, target: Path
) -> dict[str, dict[str, float]]:
    """Fig. 6-8, 10, 11 and 14: what every method makes of one image; returns the scores under the patches.

    Without `lr`, the image is shrunk with bicubic; without `box`, a quarter of the sides around the center is
    shown. Of a folder of finished images, the file of the image's name is taken.
    """
    hr = read_rgb8(image)
    height, width = (side - side % SCALE for side in hr.shape[:2])
    hr = hr[:height, :width]
    inputs = make_lr(hr) if lr is None else read_rgb8(lr)
    box = box or (width * 3 // 8, height * 3 // 8, max(1, width // 4), max(1, height // 4))
    meter = Meter(metric_names(metrics), MetricOptions())
    results: dict[str, np.ndarray] = {}
    scores: dict[str, dict[str, float]] = {}
    for method in map(open_method, rows):
        results[method.name] = _result(method, image, inputs)
        scores[method.name] = meter(*crop_to_common_size(results[method.name], hr))
    figures.draw_crops(hr, results, scores, box, target, image.stem)
    return scores


def make_training(runs: Mapping[str, str], score: str, target: Path) -> dict[str, list[tuple[int, float]]]:
    """Fig. 9: one validation score ("Set14 lpips") of several runs over their steps."""
    curves = {}
    for name, folder in runs.items():
        _, scores = read_log(Path(folder, "log.jsonl"))
        if score not in scores:
            there = ", ".join(scores) or "no validation scores"
            raise UserError(f"the log of '{folder}' has no '{score}'; it has {there}")
        curves[name] = scores[score]
    figures.draw_training(curves, score, target)
    return curves


def make_features(models: Mapping[str, str], image: Path, channels: Sequence[int], target: Path) -> None:
    """Fig. 12: feature maps of the first residual block of every model for one (small) image."""
    x = torch.from_numpy(read_rgb8(image).copy()).permute(2, 0, 1)[None] / 255
    maps = {name: figures.first_block_features(from_pretrained(model), x) for name, model in models.items()}
    figures.draw_features(maps, target, channels)


def make_depths(
    models: Mapping[str, str], spec: str, metrics: str, target: Path, options: ScoringOptions
) -> dict[str, dict[str, float]]:
    """Fig. 13: scores over the depth of the shared extractor, which is read from each model."""
    benchmark = open_benchmark(spec)
    by_depth = {}
    for name, model in models.items():
        extractor = from_pretrained(model).extractor
        report = score(open_method(f"{name}={model}"), benchmark, metric_names(metrics), options)
        by_depth[0 if extractor is None else len(extractor.body)] = report.means
    if len(by_depth) < len(models):
        raise UserError("two of the models share a depth; name one of each")
    scores = {f"E{depth}": by_depth[depth] for depth in sorted(by_depth)}
    figures.draw_depths(scores, target)
    return scores


def split_names(rows: Sequence[str]) -> dict[str, str]:
    """["with=DIR", "org/model"] -> {"with": "DIR", "org/model": "org/model"}."""
    return dict(map(split_name, rows))


def _result(method: Method, image: Path, inputs: np.ndarray) -> np.ndarray:
    if method.folder is None:
        return method.upscale_by(SCALE)(inputs)
    ((_, finished),) = pair_files([image], images(method.folder), method.folder)
    return read_rgb8(finished)
