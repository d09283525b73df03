"""Blur kernels, and a convolution whose result does not depend on the machine.

A kernel is an odd square of integers that add up to `ONE` and are symmetric about the center, so that blurring
shifts nothing. On 8-bit pixels a convolution with it is a sum of integers: the FFT's error is rounded away, whatever
the order of its additions.
"""

import math

import numpy as np

ONE = 2**14
"""The sum of a kernel's integers."""

SINC_REACH = 6
"""Radius of a sinc kernel in periods of its Nyquist frequency at the LR image's size, that is in LR pixels."""


def make_gaussian(sigmas: tuple[float, float], angle: float = 0.0, power: float = 1.0) -> np.ndarray:
    """exp(-r^(2 power) / 2), r the distance in units of `sigmas` along axes that are turned by `angle`.

    Args:
        sigmas: standard deviations along the two axes, in pixels.
        angle: of the first axis, in radians.
        power: 1 is a Gaussian; below it the kernel has longer tails, above it a flatter top (a generalized Gaussian).
    """
    return quantize(np.exp(-0.5 * _squared_distance(sigmas, angle) ** power))


def make_plateau(sigmas: tuple[float, float], angle: float, power: float) -> np.ndarray:
    """1 / (1 + r^(2 power)), arguments as for `make_gaussian`: flat in the middle, steep at the edge."""
    return quantize(1 / (1 + _squared_distance(sigmas, angle) ** power))


def make_motion(length: float, angle: float) -> np.ndarray:
    """A straight line of `length` pixels, in direction `angle` (radians), drawn with bilinear weights."""
    radius = math.ceil(length / 2) + 1
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1))
    positions = np.linspace(-length / 2, length / 2, 16 * radius + 1)
    for row, column in zip(positions * math.sin(angle), positions * math.cos(angle), strict=True):
        above, before = math.floor(row), math.floor(column)
        down, right = row - above, column - before
        at = (slice(radius + above, radius + above + 2), slice(radius + before, radius + before + 2))
        kernel[at] += np.outer((1 - down, down), (1 - right, right))
    return quantize(kernel)


def make_defocus(radius: float) -> np.ndarray:
    """A disk of `radius` pixels with an antialiased edge."""
    rows, columns = _offsets(math.ceil(radius) + 1)
    return quantize(np.clip(radius + 0.5 - np.hypot(rows, columns), 0, 1))


def make_sinc(cutoff: float, radius: int) -> np.ndarray:
    """The ideal round low-pass filter, cut off at `radius` pixels; it rings, as sharpening and compression do.

    Args:
        cutoff: the highest frequency that passes, in radians a pixel, up to pi.
    """
    rows, columns = _offsets(radius)
    distance = np.maximum(np.hypot(rows, columns), 1e-3)
    # J1, the Bessel function, by its integral; 64 points are exact to 1e-12 for the distances that occur.
    turns = (np.arange(64) + 0.5) * math.pi / 64
    bessel = np.cos(turns - (cutoff * distance)[..., None] * np.sin(turns)).mean(axis=-1)
    return quantize(cutoff * bessel / (2 * math.pi * distance))


def quantize(kernel: np.ndarray) -> np.ndarray:
    """Integers that add up to `ONE`, in proportion to `kernel`, exactly symmetric about its center."""
    kernel = kernel + kernel[::-1, ::-1]
    integers = np.rint(kernel * (ONE / kernel.sum())).astype(np.int64)
    middle = len(integers) // 2
    integers[middle, middle] += ONE - integers.sum()
    return integers


def convolve(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(H, W, C) uint8 convolved with an integer kernel, rounded and clipped; the border is mirrored."""
    rows, columns = image.shape[:2]
    radius = len(kernel) // 2
    if not radius:
        return image
    padded = np.pad(image.transpose(2, 0, 1), ((0, 0), (radius, radius), (radius, radius)), "symmetric")
    size = tuple(_fast_length(length + 2 * radius) for length in (rows, columns))
    spectrum = np.fft.rfft2(padded.astype(np.float64), size) * np.fft.rfft2(kernel.astype(np.float64), size)
    sums = np.rint(np.fft.irfft2(spectrum, size)).astype(np.int64)
    valid = sums[:, 2 * radius : 2 * radius + rows, 2 * radius : 2 * radius + columns]
    return np.clip((valid + ONE // 2) // ONE, 0, 255).astype(np.uint8).transpose(1, 2, 0)


def _offsets(radius: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return rows.astype(np.float64), columns.astype(np.float64)


def _squared_distance(sigmas: tuple[float, float], angle: float) -> np.ndarray:
    rows, columns = _offsets(max(1, math.ceil(3 * max(sigmas))))
    along = columns * math.cos(angle) + rows * math.sin(angle)
    across = rows * math.cos(angle) - columns * math.sin(angle)
    return (along / sigmas[0]) ** 2 + (across / sigmas[1]) ** 2


def _fast_length(length: int) -> int:
    """The next length whose only factors are 2, 3 and 5."""
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1
