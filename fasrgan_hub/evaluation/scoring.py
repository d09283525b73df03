"""Scores of a model, or of finished pictures, against the originals (Section IV-A)."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from ..data.bicubic import downscale
from ..errors import UserError
from ..metrics import LPIPS, niqe, psnr, rmse, ssim
from ..metrics.pixels import rgb8, size_of
from ..upscaling.reading import read_picture
from ..upscaling.upscaler import Upscaler
from .pairs import pair, pictures
from .report import Report

SCALE = 4

# How far a result's sides may differ from the original's: some authors crop before they shrink.
CROP_LIMIT = 16

Metric = Callable[[np.ndarray, np.ndarray], float]
Upscale = Callable[[np.ndarray], np.ndarray]

# Each makes a metric for a border and a choice of Y or RGB, which those of whole pictures ignore.
METRICS: dict[str, Callable[[int, bool], Metric]] = {
    "psnr": lambda border, luma: partial(psnr, border=border, luma=luma),
    "ssim": lambda border, luma: partial(ssim, border=border, luma=luma),
    "rmse": lambda border, luma: partial(rmse, border=border, luma=luma),
    "lpips": lambda border, luma: LPIPS("0.0").score,
    "lpips-0.1": lambda border, luma: LPIPS("0.1").score,
    "niqe": lambda border, luma: niqe,
}


def evaluate(
    model: str | Path | nn.Module | Upscale | None = None,
    *,
    hr: str | Path,
    lr: str | Path | None = None,
    sr: str | Path | None = None,
    metrics: str | Sequence[str] = ("psnr", "ssim", "rmse"),
    border: int = 4,
    luma: bool = True,
    progress: bool = False,
) -> Report:
    """Score a model, or the finished pictures in `sr`, on the originals in `hr`.

    >>> print(evaluate("bicubic", hr="Set5/HR").table())

    Folders (or single files) are paired by name, see `pairs.pair`. Where a result and its original differ by
    less than 16 pixels a side, both are cropped at the right and the bottom to what they share. Scores are
    those of 8-bit RGB pictures: gray is replicated, 16 bits are rounded, alpha is left out.

    Args:
        model: a name, folder or Hub id, "bicubic", a module, or any function of H x W x 3 uint8 pictures that
            enlarges four times, such as an `Upscaler` of your own settings.
        hr: the originals.
        lr: the model's input. Without it, each original is cropped to a multiple of 4, shrunk by MATLAB's
            bicubic and rounded to 8 bits.
        sr: finished pictures, instead of a model.
        metrics: names out of `METRICS`, or one string of them separated by commas. "lpips" is the paper's
            version 0.0.
        border: pixels that PSNR, SSIM and RMSE shave from every side.
        luma: whether these three look at Y alone or at the three colours.
        progress: show a bar on standard error.

    Raises UserError for anything that cannot be found, read, paired or compared.
    """
    if (model is None) == (sr is None):
        raise UserError("give either a model or the folder of its finished pictures")
    if sr is not None and lr is not None:
        raise UserError("finished pictures need no LR pictures; leave lr out")
    names = _metric_names(metrics)
    if sr is not None:
        files = pair(Path(hr), Path(sr))
    elif lr is not None:
        files = pair(Path(hr), Path(lr))
    else:
        files = [(path, path) for path in pictures(Path(hr))]
    chosen = {name: METRICS[name](border, luma) for name in names}
    upscale = None if model is None else _upscale_with(model)

    images: dict[str, dict[str, float]] = {}
    for original, other in tqdm(files, disable=not progress, unit="picture"):
        truth = rgb8(read_picture(original).pixels)
        if upscale is None:
            result = rgb8(read_picture(other).pixels)
        elif lr is None:
            result = upscale(shrunk(truth))
        else:
            result = upscale(rgb8(read_picture(other).pixels))
        result, truth = _same_size(rgb8(result), truth, original.name)
        try:
            images[original.stem] = {name: metric(result, truth) for name, metric in chosen.items()}
        except UserError as error:
            raise UserError(f"{original.name}: {error}") from error
    return Report(images)


def shrunk(picture: np.ndarray) -> np.ndarray:
    """The LR picture of an original: H x W x 3 uint8 -> H // 4 x W // 4 x 3 uint8."""
    height, width = (side - side % SCALE for side in picture.shape[:2])
    if not height or not width:
        raise UserError(f"a picture of {size_of(picture)} is too small to be shrunk by {SCALE}")
    planes = torch.from_numpy(picture[:height, :width].transpose(2, 0, 1).copy())
    small = downscale(planes.to(torch.float64) / 255, SCALE)
    return (small * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def _metric_names(metrics: str | Sequence[str]) -> list[str]:
    names = [name.strip().lower() for name in (metrics.split(",") if isinstance(metrics, str) else metrics)]
    for name in names:
        if name not in METRICS:
            raise UserError(f"there is no metric '{name}'; there are {', '.join(METRICS)}")
    if not names:
        raise UserError(f"name at least one metric: {', '.join(METRICS)}")
    return names


def _upscale_with(model: str | Path | nn.Module | Upscale) -> Upscale:
    return Upscaler(model) if isinstance(model, str | Path | nn.Module) else model


def _same_size(result: np.ndarray, truth: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Both without what the other lacks at the right and at the bottom."""
    height, width = (min(sides) for sides in zip(result.shape[:2], truth.shape[:2], strict=True))
    for picture in (result, truth):
        if picture.shape[0] - height >= CROP_LIMIT or picture.shape[1] - width >= CROP_LIMIT:
            raise UserError(
                f"the result for {name} has {size_of(result)} pixels and the original {size_of(truth)}; "
                f"it should be {SCALE} times its LR picture"
            )
    return result[:height, :width], truth[:height, :width]
