"""Scores of a model, or of finished images, against the originals (Section IV-A)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from ..data.pairs import images, pair_files
from ..errors import UserError
from ..metrics.named import DEFAULT_METRICS, METRICS, Meter, MetricOptions, metric_names
from ..metrics.pixels import rgb8
from .benchmarks import Benchmark, make_benchmark
from .image_pairs import crop_to_common_size, make_lr, read_rgb8
from .methods import Method, Upscale, choose_scale, open_method
from .processes import spread
from .score_cache import ScoreCache, content_hash
from .score_report import ScoreReport

THREADS = 8
"""Finished images that are measured side by side at most; each takes up to half a gigabyte for LPIPS."""

ImageScores = tuple[str, dict[str, float]]
"""The name of an image and its scores by metric."""


@dataclass(frozen=True)
class ScoringOptions:
    """How scores are computed.

    Args:
        metrics: border, colors and device of the metrics.
        cache: folder in which scores are kept; what it has is not computed again.
        processes: over how many processes the images of a benchmark are spread.
        progress: whether to show a bar on standard error.
    """

    metrics: MetricOptions = field(default_factory=MetricOptions)
    cache: Path | None = None
    processes: int = 1
    progress: bool = False


@dataclass(frozen=True)
class Task:
    """An original, its LR image (None: to be shrunk from the original), its finished image, the metrics to compute.

    The original is `scale` times as wide as the LR image.
    """

    hr: Path
    lr: Path | None
    finished: Path | None
    metrics: tuple[str, ...]
    scale: int


def evaluate(
    model: str | Path | nn.Module | Upscale | None = None,
    *,
    hr: str | Path,
    lr: str | Path | None = None,
    sr: str | Path | None = None,
    metrics: str | Sequence[str] = DEFAULT_METRICS,
    scale: int | None = None,
    border: int | None = None,
    luma: bool = True,
    device: str | None = None,
    cache: str | Path | None = None,
    processes: int = 1,
    progress: bool = False,
) -> ScoreReport:
    """Score a model, or the finished images in `sr`, on the originals in `hr`.

    >>> print(evaluate("bicubic", hr="Set5/HR").table())

    Folders (or single files) are paired by name, see `pairs.pair`. Where a result and its original differ by
    less than 16 pixels a side, both are cropped, see `crop_to_common_size`. Scores are those of 8-bit RGB images:
    gray is replicated, 16 bits are rounded, alpha is left out, floating-point files are refused.

    Args:
        model: a name, folder or Hub id, "bicubic", a file that spandrel reads, a module, or any function of
            H x W x 3 uint8 images, such as an `Upscaler` with options of your own.
        hr: the originals.
        lr: the model's input. Without it, each original is cropped to a multiple of the scale, shrunk by
            MATLAB's bicubic and rounded to 8 bits.
        sr: finished images, instead of a model.
        metrics: names out of `METRICS`, or one string of them separated by commas. "lpips" is the paper's
            version 0.0.
        scale: by how much is enlarged; default: the model's own factor, 4 for what has none.
        border: pixels that PSNR, SSIM and RMSE shave from every side; default: as many as the scale.
        luma: whether these three look at Y alone or at the three colors.
        device: where networks run; default CUDA if there is one, else the CPU.
        cache, processes, progress: see `ScoringOptions`.

    Raises UserError for anything that cannot be opened, read, paired or compared.
    """
    if (model is None) == (sr is None):
        raise UserError("give either a model or the folder of its finished images")
    if sr is not None and lr is not None:
        raise UserError("finished images need no LR images; leave lr out")
    names = metric_names(metrics)
    if sr is not None:
        method = Method(Path(sr).name, folder=Path(sr))
    else:
        method = open_method(model, **({"device": device} if device else {}))
    scale = choose_scale([method], scale)
    benchmark = make_benchmark(Path(hr), Path(lr) if lr is not None else None, scale=scale)
    folder = Path(cache) if cache is not None else None
    metric_options = MetricOptions(scale if border is None else border, luma, device)
    options = ScoringOptions(metric_options, folder, processes, progress)
    return score(method, benchmark, names, options)


def score(
    method: Method,
    benchmark: Benchmark,
    metrics: Sequence[str],
    options: ScoringOptions = ScoringOptions(),
) -> ScoreReport:
    """The scores of a method on a benchmark; those that the cache has are not computed again."""
    finished = _list_finished(method, benchmark)
    keys = ("", "")
    if options.cache:
        keys = (method.key if finished is None else content_hash(finished), benchmark.key)
    known = ScoreCache(options.cache, *keys, options.metrics)
    tasks = [
        Task(hr, lr, finished[index] if finished else None, tuple(missing), benchmark.scale)
        for index, (hr, lr) in enumerate(benchmark.pairs)
        if (missing := known.missing(hr.stem, list(metrics)))
    ]
    if tasks:
        work = partial(_score_images, method, finished is not None, options)
        known.add(dict(spread(work, tasks, options.processes)))
    return ScoreReport({hr.stem: known.get(hr.stem, list(metrics)) for hr, _ in benchmark.pairs})


def score_all(
    methods: Sequence[Method],
    benchmarks: Sequence[Benchmark],
    metrics: Sequence[str],
    options: ScoringOptions,
) -> dict[tuple[str, str], ScoreReport]:
    """(benchmark, method) -> scores. Raises UserError for two of one name, which no table could tell apart."""
    for names in ([method.name for method in methods], [benchmark.name for benchmark in benchmarks]):
        if twice := [name for name in names if names.count(name) > 1]:
            raise UserError(f"'{twice[0]}' is there twice; name one of them: OTHER={twice[0]}")
    return {
        (benchmark.name, method.name): score(method, benchmark, metrics, options)
        for benchmark in benchmarks
        for method in methods
    }


def _list_finished(method: Method, benchmark: Benchmark) -> list[Path] | None:
    """A method's finished images in the order of the benchmark; None for a method that enlarges."""
    folder = method.folder_for(benchmark.name)
    if folder is None:
        return None
    originals = [hr for hr, _ in benchmark.pairs]
    if folder.is_file() and len(originals) == 1:
        return [folder]
    return [sr for _, sr in pair_files(originals, images(folder), folder)]


def _score_images(
    method: Method, finished: bool, options: ScoringOptions, tasks: Sequence[Task]
) -> list[ImageScores]:
    """Name and scores of each task's image. Every file is decoded once."""
    meters = {metrics: Meter(metrics, options.metrics) for metrics in {task.metrics for task in tasks}}
    upscale = None if finished else method.upscale_by(tasks[0].scale)

    def score_image(task: Task) -> ImageScores:
        hr = read_rgb8(task.hr)
        try:
            sr, lr = _read_result(task, hr, upscale)
            pair = None if lr is None else (sr, lr)
            return task.hr.stem, meters[task.metrics](*crop_to_common_size(sr, hr), pair)
        except UserError as error:
            raise UserError(f"{task.hr.name}: {error}") from error

    bar = partial(tqdm, desc=method.name, total=len(tasks), disable=not options.progress, unit="image")
    big = any(METRICS[name].big for metrics in meters for name in metrics)
    threads = 1 if torch.cuda.is_available() or big or not finished else min(torch.get_num_threads(), THREADS)
    if threads == 1:
        return [score_image(task) for task in bar(tasks)]
    # Several images side by side, a thread each, keep all cores busy where one image cannot.
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(bar(pool.map(score_image, tasks)))
    finally:
        torch.set_num_threads(before)  # the workers' call counts for threads to come as well


def _read_result(task: Task, hr: np.ndarray, upscale: Upscale | None) -> tuple[np.ndarray, np.ndarray | None]:
    """The result of a task and its LR image, which is None where nothing needs it."""
    if upscale is None:
        assert task.finished is not None
        sr = read_rgb8(task.finished)
        if not any(METRICS[name].from_lr for name in task.metrics):
            return sr, None
    lr = make_lr(hr, task.scale) if task.lr is None else read_rgb8(task.lr)
    return (rgb8(upscale(lr)) if upscale else sr), lr
