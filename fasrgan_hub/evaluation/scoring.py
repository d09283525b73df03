"""Scores of a model, or of finished images, against the originals (Section IV-A)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from ..errors import UserError
from ..images.bicubic import downscale
from ..images.reading import read_image
from ..metrics.named import DEFAULT_METRICS, METRICS, Meter, MetricOptions, metric_names
from ..metrics.pixels import rgb8, size_of
from .benchmarks import Benchmark, content_hash, make_benchmark
from .methods import SCALE, Method, Upscale, open_method
from .pairs import images, pair_files
from .processes import spread
from .report import Report
from .score_cache import ScoreCache

# How far a result's sides may differ from the original's: some authors crop before they shrink.
CROP_LIMIT = 16

# Finished images that are measured side by side at most; each takes up to half a gigabyte for LPIPS.
THREADS = 8

Work = tuple[Path, Path | None, tuple[str, ...]]
"""An original, its LR or finished image (None: to be shrunk), and the metrics that are wanted."""


def evaluate(
    model: str | Path | nn.Module | Upscale | None = None,
    *,
    hr: str | Path,
    lr: str | Path | None = None,
    sr: str | Path | None = None,
    metrics: str | Sequence[str] = DEFAULT_METRICS,
    border: int = 4,
    luma: bool = True,
    device: str | None = None,
    cache: str | Path | None = None,
    processes: int = 1,
    progress: bool = False,
) -> Report:
    """Score a model, or the finished images in `sr`, on the originals in `hr`.

    >>> print(evaluate("bicubic", hr="Set5/HR").table())

    Folders (or single files) are paired by name, see `pairs.pair`. Where a result and its original differ by
    less than 16 pixels a side, both are cropped to what they share, see `crop_to_common_size`.
    Scores are those of 8-bit RGB
    images: gray is replicated, 16 bits are rounded, alpha is left out, floating-point files are refused.

    Args:
        model: a name, folder or Hub id, "bicubic", a file that spandrel reads, a module, or any function of
            H x W x 3 uint8 images that enlarges four times, such as an `Upscaler` of your own settings.
        hr: the originals.
        lr: the model's input. Without it, each original is cropped to a multiple of 4, shrunk by MATLAB's
            bicubic and rounded to 8 bits.
        sr: finished images, instead of a model.
        metrics: names out of `METRICS`, or one string of them separated by commas. "lpips" is the paper's
            version 0.0.
        border: pixels that PSNR, SSIM and RMSE shave from every side.
        luma: whether these three look at Y alone or at the three colors.
        device: where networks run; default CUDA if there is one, else the CPU.
        cache: a folder in which scores are kept; what it knows is not computed again.
        processes: over how many processes the images are spread.
        progress: show a bar on standard error.

    Raises UserError for anything that cannot be found, read, paired or compared.
    """
    if (model is None) == (sr is None):
        raise UserError("give either a model or the folder of its finished images")
    if sr is not None and lr is not None:
        raise UserError("finished images need no LR images; leave lr out")
    names = metric_names(metrics)
    if sr is not None:
        who = Method(Path(sr).name, folder=Path(sr))
    else:
        who = open_method(model, **({"device": device} if device else {}))
    images = make_benchmark(Path(hr), Path(lr) if lr is not None else None)
    settings = MetricOptions(border, luma, device)
    folder = Path(cache) if cache is not None else None
    return score(who, images, names, settings, cache=folder, processes=processes, progress=progress)


def score(
    who: Method,
    on: Benchmark,
    metrics: Sequence[str],
    settings: MetricOptions = MetricOptions(),  # noqa: B008 - it is frozen
    *,
    cache: Path | None = None,
    processes: int = 1,
    progress: bool = False,
) -> Report:
    """The scores of a method on a set; those that `cache` has are taken from there."""
    finished = _finished(who, on)
    key = who.key if finished is None else content_hash(finished)
    known = ScoreCache(cache, key if cache else "", on.key if cache else "", settings)
    work: list[Work] = []
    for index, (original, small) in enumerate(on.pairs):
        wanted = known.missing(original.stem, list(metrics))
        if wanted:
            work.append((original, finished[index] if finished else small, tuple(wanted)))
    if work:
        run = partial(_score_images, who, finished is not None, settings, progress)
        known.add(dict(spread(run, work, processes)))
    return Report({original.stem: known.get(original.stem, list(metrics)) for original, _ in on.pairs})


def _finished(who: Method, on: Benchmark) -> list[Path] | None:
    """The finished images in the order of the set, or None for what enlarges."""
    folder = who.folder_for(on.name)
    if folder is None:
        return None
    originals = [original for original, _ in on.pairs]
    if folder.is_file() and len(originals) == 1:
        return [folder]
    return [partner for _, partner in pair_files(originals, images(folder), folder)]


def _score_images(
    who: Method, finished: bool, settings: MetricOptions, progress: bool, work: Sequence[Work]
) -> list[tuple[str, dict[str, float]]]:
    """(image, scores) for each piece of work. Every file is decoded once."""
    meters = {metrics: Meter(metrics, settings) for metrics in {metrics for _, _, metrics in work}}

    upscale = None if finished else who.upscale

    def measured(piece: Work) -> tuple[str, dict[str, float]]:
        original, other, metrics = piece
        truth = read_rgb8(original)
        given = None if other is None else read_rgb8(other)
        try:
            given = make_lr(truth) if given is None else given
            result = rgb8(upscale(given)) if upscale else given
            return original.stem, meters[metrics](*crop_to_common_size(result, truth))
        except UserError as error:
            raise type(error)(f"{original.name}: {error}") from error

    bar = partial(tqdm, desc=who.name, total=len(work), disable=not progress, unit="image")
    big = any(METRICS[name].big for metrics in meters for name in metrics)
    threads = 1 if torch.cuda.is_available() or big or not finished else min(torch.get_num_threads(), THREADS)
    if threads == 1:
        return [measured(piece) for piece in bar(work)]
    # Several images side by side, a thread each, keep all cores busy where one image cannot.
    before = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(bar(pool.map(measured, work)))
    finally:
        torch.set_num_threads(before)  # what the workers said counts for threads to come as well


def read_rgb8(path: Path) -> np.ndarray:
    """An image file as H x W x 3 uint8. UserError also for floats: how they are rounded decides the score."""
    return rgb8(read_image(path, floats=False).pixels)


def make_lr(image: np.ndarray) -> np.ndarray:
    """The LR image of an original: H x W x 3 uint8 -> H // 4 x W // 4 x 3 uint8."""
    height, width = (side - side % SCALE for side in image.shape[:2])
    if not height or not width:
        raise UserError(f"an image of {size_of(image)} is too small to be shrunk by {SCALE}")
    planes = torch.from_numpy(image[:height, :width].transpose(2, 0, 1).copy())
    small = downscale(planes.to(torch.float64) / 255, SCALE)
    return (small * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def crop_to_common_size(result: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both cropped to what they share: at the right and the bottom, or on all sides, whichever agrees better.

    Authors crop originals to multiples of 4, or leave the border of their results out. UserError from 16 pixels on.
    """
    if result.shape == truth.shape:
        return result, truth
    gaps = [abs(a - b) for a, b in zip(result.shape[:2], truth.shape[:2], strict=True)]
    if max(gaps) >= CROP_LIMIT:
        raise UserError(
            f"the result has {size_of(result)} pixels and the original {size_of(truth)}; "
            f"it should be {SCALE} times its LR image"
        )
    height, width = (min(sides) for sides in zip(result.shape[:2], truth.shape[:2], strict=True))

    def cropped(image: np.ndarray, share: float) -> np.ndarray:
        top, left = (
            int((side - kept) * share) for side, kept in zip(image.shape, (height, width), strict=False)
        )
        return image[top : top + height, left : left + width]

    def difference(pair: tuple[np.ndarray, np.ndarray]) -> Any:
        return np.square(pair[0].astype(np.float32) - pair[1]).mean()

    return min(((cropped(result, share), cropped(truth, share)) for share in (0, 0.5)), key=difference)
