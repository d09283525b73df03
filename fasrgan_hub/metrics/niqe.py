"""NIQE, a score without an original: one half of the perceptual index (Section IV-A).

Mittal et al., "Making a completely blind image quality analyzer", 2012: how far the statistics of an image's
96 x 96 blocks lie from those of undistorted images. The latter come from the NIQE software release;
niqe_pristine.safetensors holds them and, in its metadata, the notice under which they may be copied.

One difference from the release: where an image is flat, rounding leaves noise of 1e-14, whose signs would
count as texture, for up to 0.3 in the score. Here flat is flat. MATLAB's 5.7296 for Set14's baboon is met.
"""

import math
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
import torch

from ..errors import UserError
from ..images.bicubic import resize
from .pixels import blur, luma, rgb8, size_of

BLOCK = 96
WINDOW = 7
SIGMA = 7 / 6
FLAT = 1e-9  # gray levels of contrast that are only rounding


def niqe(sr: np.ndarray, hr: np.ndarray | None = None, border: int = 0) -> float:
    """Natural image quality evaluator, about 2 (natural) to 20; lower is better.

    Measured on Y of H x W x 3 uint8, rounded, after `border` pixels are shaved from every side. `hr` is not used;
    all metrics take the same arguments. NaN where fewer than two blocks have texture. Raises UserError below two
    blocks of 96 x 96 pixels.
    """
    y = np.rint(luma(rgb8(sr)))
    y = y[border : y.shape[0] - border, border : y.shape[1] - border]
    rows, columns = (side // BLOCK for side in y.shape)
    if rows * columns < 2:
        raise UserError(f"NIQE needs 192x96 pixels or 96x192; this image has {size_of(sr)}")
    y = y[: rows * BLOCK, : columns * BLOCK]
    halved = resize(torch.from_numpy(y), 0.5).numpy()
    features = np.hstack([_features(y, BLOCK), _features(halved, BLOCK // 2)])

    pristine_mean, pristine_covariance = _pristine()
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < 2:
        return math.nan
    away = np.nanmean(features, axis=0) - pristine_mean
    covariance = (np.cov(whole, rowvar=False) + pristine_covariance) / 2
    return math.sqrt(away @ np.linalg.pinv(covariance) @ away)


def _features(y: np.ndarray, side: int) -> np.ndarray:
    """The 18 statistics of every `side` x `side` block: (blocks, 18). NaN where a block is flat."""
    padded = np.pad(y, WINDOW // 2, mode="edge")
    mean = blur(padded, WINDOW, SIGMA)
    deviation = np.sqrt(np.abs(blur(padded**2, WINDOW, SIGMA) - mean**2))
    contrast = y - mean
    contrast[np.abs(contrast) < FLAT] = 0
    normalized = contrast / (deviation + 1)

    rows, columns = y.shape[0] // side, y.shape[1] // side
    blocks = normalized.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
    shape, left, right = _fit(blocks)
    features = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = _fit(blocks * np.roll(blocks, shift, axis=(1, 2)))
        center = (right - left) * _gamma(2 / shape) / _gamma(1 / shape)
        features += [shape, center, left, right]
    return np.stack(features, axis=1)


def _fit(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shape, left and right scale of the asymmetric generalized gaussian of every block, each (blocks,)."""

    flat = blocks.reshape(len(blocks), -1)
    below = np.minimum(flat, 0)
    squares_below, squares = (np.einsum("bp,bp->b", x, x) for x in (below, flat))
    absolute = flat.sum(axis=1) - 2 * below.sum(axis=1)
    counts = np.count_nonzero(flat < 0, axis=1), np.count_nonzero(flat > 0, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        left = np.sqrt(squares_below / counts[0])
        right = np.sqrt((squares - squares_below).clip(0) / counts[1])
        ratio = left / right
        sharpness = (absolute / flat.shape[1]) ** 2 / (squares / flat.shape[1])
        sharpness *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, borders = _shapes()
    # The release's search takes the first shape for a block that is flat.
    shape = shapes[np.searchsorted(borders, np.nan_to_num(sharpness, nan=0.0))]
    scale = np.sqrt(_gamma(1 / shape) / _gamma(3 / shape))
    return shape, left * scale, right * scale


@lru_cache(maxsize=1)
def _shapes() -> tuple[np.ndarray, np.ndarray]:
    """The shapes 0.2 to 10 in steps of 0.001, and the sharpness at which the next one becomes the nearer."""
    shapes = np.arange(0.2, 10.001, 0.001)
    sharpness = _gamma(2 / shapes) ** 2 / (_gamma(1 / shapes) * _gamma(3 / shapes))
    return shapes, (sharpness[1:] + sharpness[:-1]) / 2


def _gamma(x: np.ndarray) -> np.ndarray:
    return torch.from_numpy(x).lgamma().exp().numpy()


@lru_cache(maxsize=1)
def _pristine() -> tuple[np.ndarray, np.ndarray]:
    """Mean (36,) and covariance (36, 36) of the features of undistorted images."""
    from safetensors.numpy import load_file

    with as_file(files(__package__) / "niqe_pristine.safetensors") as path:
        numbers = load_file(path)
    return numbers["mean"], numbers["covariance"]
