"""What an image is like: compressed with loss, noisy, or pixel art. That decides which model suits it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .decoded import DecodedImage
from .pixels import colors, white

SAMPLE = 1024
"""Side of the middle of an image that is looked at."""
BLOCK = 8
"""Side of a JPEG's blocks, and of those whose noise is measured."""
STANDARD_TABLE = 3688
"""Sum of the quantization table for luminance at quality 50 (ITU-T T.81, Table K.1)."""
FLATTEST = 0.05
"""Share of the blocks that are taken to hold noise alone."""
NOISE_ENERGY = {1: 19.99, 3: 26.07}
"""By channels: what `_noise_energy` is for noise of standard deviation 1, measured on 9 million samples."""
SMALL_STEP = 12
"""Gray levels: the borders of JPEG blocks are no larger, and edges mostly are."""
MANY_COLORS = 256
"""Pixel art has no more."""
PIXEL_ART_SIDE = 640
"""Pixels: longer sides are no pixel art, unless it was enlarged with nearest."""


@dataclass(frozen=True)
class Inspection:
    """What was found out about an image.

    Args:
        codec: that may have lost something, "JPEG", "WEBP", "AVIF" or "HEIF"; None without one.
        quality: of a JPEG, 1 to 100, about.
        blockiness: how much small steps at the borders of blocks of 8x8 stand out: 0.3 is JPEG of quality 75.
        noise: standard deviation in gray levels, about. Texture that covers the whole image counts as noise.
        sharpness: how fine the detail is; 1.0 to 1.3 in renders and photographs that were shrunk, less in blurred ones
            and in most that come from a camera.
        pixel_art: 0 for none, else how many times it was already enlarged with nearest, from 1.
    """

    codec: str | None
    quality: int | None
    blockiness: float
    noise: float
    sharpness: float
    pixel_art: int


def inspect(image: DecodedImage) -> Inspection:
    """Look at what an image's file said, and at the middle of the image."""
    middle = colors(_middle(image.pixels))
    levels = middle.astype(np.float32) * np.float32(255 / white(middle))
    gray = levels.mean(axis=2)
    measured = blockiness(gray), noise_level(levels), sharpness(gray)
    return Inspection(image.codec, image.quality, *measured, pixel_art_factor(image.pixels))


def jpeg_quality(tables: Mapping[int, Sequence[int]]) -> int | None:
    """The quality whose quantization table for luminance has the sum of this one; None without a table.

    It is exact for libjpeg, and a comparison of strength for other programs' tables.
    """
    if 0 not in tables:
        return None
    percent = 100 * sum(tables[0]) / STANDARD_TABLE
    return max(1, min(100, round(5000 / percent if percent > 100 else 100 - percent / 2)))


def noise_level(levels: np.ndarray) -> float:
    """Standard deviation of white noise in (H, W, 1 or 3) gray levels, by what a filter leaves of the flattest blocks.

    0 for an image of less than 4 blocks. Within 15 % for levels 5 to 25 on most photographs.
    """
    x = levels[:, :-2] - 2 * levels[:, 1:-1] + levels[:, 2:]
    x = x[:-2] - 2 * x[1:-1] + x[2:]  # no slope passes, nor an edge along an axis (Immerkaer, 1996)
    if min(x.shape[:2]) < 2 * BLOCK:
        return 0.0
    energy = _means_of_blocks((x * x).mean(axis=2))
    clipped = np.any((levels <= 1) | (levels >= 254), axis=2)[1:-1, 1:-1].astype(np.float32)
    inside = energy[_means_of_blocks(clipped) < 0.05]  # noise has no lower half in black, no upper in white
    if len(inside) < max(4, len(energy) / 20):
        inside = energy
    return float((np.quantile(inside, FLATTEST) / NOISE_ENERGY[levels.shape[2]]) ** 0.5)


def sharpness(gray: np.ndarray) -> float:
    """Second differences of (H, W) gray levels over first ones, 0 for an image of one color or of less than 3x3."""
    if min(gray.shape) < 3:
        return 0.0
    first = np.abs(np.diff(gray, axis=0)).mean() + np.abs(np.diff(gray, axis=1)).mean()
    around = gray[:-2, 1:-1] + gray[2:, 1:-1] + gray[1:-1, :-2] + gray[1:-1, 2:]
    second = np.abs(4 * gray[1:-1, 1:-1] - around).mean()
    return float(second / first) if first else 0.0


def blockiness(gray: np.ndarray) -> float:
    """How much small steps of (H, W) gray levels stand out every eighth row and column, in the weaker direction."""
    return float(min(_lattice(gray), _lattice(gray.T)))


def _lattice(gray: np.ndarray) -> float:
    steps = np.abs(np.diff(gray, axis=1))
    width = (steps.shape[1] - 2) // BLOCK * BLOCK
    if width < 2 * BLOCK:
        return 0.0
    left, middle, right = (steps[:, start : start + width] for start in range(3))
    small = np.maximum(np.maximum(left, middle), right) < SMALL_STEP
    sharper = ((middle - (left + right) / 2) * small).sum(axis=0).reshape(-1, BLOCK).sum(axis=0)
    by_phase = sharper / (small.sum(axis=0).reshape(-1, BLOCK).sum(axis=0) + 1)
    border = by_phase.argmax()
    usual = (middle * small).sum() / (small.sum() + 1)
    stands_out: float = (by_phase[border] - np.delete(by_phase, border).mean()) / (usual + 0.1)
    return stands_out


def pixel_art_factor(pixels: np.ndarray) -> int:
    """How many times pixel art (H, W, C) was enlarged with nearest, 1 for not at all; 0 for an image that is none.

    Pixel art has few colors and no mixed ones between two areas: antialiased text, line drawings and photographs
    do. Drawings of two or three colors are not told apart from it, and are none.
    """
    if pixels.dtype != np.uint8 or _count_colors(_middle(pixels, 128)) > MANY_COLORS:
        return 0
    middle = _middle(pixels)
    opaque = middle[:, :, -1] > 0 if pixels.shape[2] in (2, 4) else np.ones(middle.shape[:2], bool)
    factor, (top, left) = _squares(_codes(middle))
    art = middle[top::factor, left::factor]
    codes = _codes(art)[opaque[top::factor, left::factor]]
    counts = np.unique(codes, return_counts=True)[1]
    changes = _changes(art)
    if factor == 1 and (
        max(pixels.shape[:2]) > PIXEL_ART_SIDE or changes < 0.19 or counts.max(initial=0) > 0.6 * codes.size
    ):
        return 0  # a page or a drawing: large, or with areas of one color, such as its paper
    return factor if 4 <= len(counts) <= MANY_COLORS and changes < 0.5 and _mixed(art) < 0.16 else 0


def _squares(codes: np.ndarray) -> tuple[int, tuple[int, int]]:
    """The side of the squares of one color that an image of (H, W) numbers consists of, and where they begin."""
    squares = []
    for image in (codes, codes.T):
        borders = np.flatnonzero((image[1:] != image[:-1]).any(axis=1)) + 1
        side = int(np.gcd.reduce(np.diff(borders))) if len(borders) >= 8 else 1
        # Few borders may be multiples by chance, and boxes of a page by design.
        side = side if len(borders) * side >= 0.25 * len(image) else 1
        squares.append((side, int(borders[0] % side) if len(borders) else 0))
    (down, top), (across, left) = squares
    return (down, (top, left)) if down == across else (1, (0, 0))


def _changes(art: np.ndarray) -> float:
    """The share of neighbors that differ: in dithered and noisy images most do."""
    differ = [(art[1:] != art[:-1]).any(axis=2), (art[:, 1:] != art[:, :-1]).any(axis=2)]
    return float(sum(each.sum() for each in differ) / max(1, sum(each.size for each in differ)))


def _mixed(art: np.ndarray) -> float:
    """The share of edges with a pixel in their middle whose color lies between those of its two neighbors."""
    edges = mixed = 0
    signed = art.astype(np.int16)
    for x in (signed, signed.swapaxes(0, 1)):
        first, middle, last = x[:-2], x[1:-1], x[2:]
        edge = np.abs(last - first).max(axis=2) > 24
        between = ((middle >= np.minimum(first, last)) & (middle <= np.maximum(first, last))).all(axis=2)
        between &= (middle != first).any(axis=2) & (middle != last).any(axis=2)
        edges, mixed = edges + int(edge.sum()), mixed + int((edge & between).sum())
    return mixed / max(1, edges)


def _middle(pixels: np.ndarray, side: int = SAMPLE) -> np.ndarray:
    top, left = (max(0, length - side) // 2 for length in pixels.shape[:2])
    return pixels[top : top + side, left : left + side]


def _means_of_blocks(x: np.ndarray) -> np.ndarray:
    rows, columns = (length // BLOCK for length in x.shape)
    blocks = x[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    means: np.ndarray = blocks.mean(axis=(1, 3)).ravel()
    return means


def _codes(pixels: np.ndarray) -> np.ndarray:
    """(H, W): one number for the color of each pixel of uint8."""
    codes = np.zeros(pixels.shape[:2], np.uint32)
    for channel in range(pixels.shape[2]):
        codes = codes * np.uint32(256) + pixels[:, :, channel]
    return codes


def _count_colors(pixels: np.ndarray) -> int:
    return len(np.unique(_codes(pixels)))
