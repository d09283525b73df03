"""Noise of three kinds on (H, W, 3) uint8 images, drawn from a numpy generator."""

import numpy as np

LEVELS = 2**14
"""Steps of the linear scale that goes back to sRGB by a table: as fine as a camera's converter."""


def _linear(coded: np.ndarray) -> np.ndarray:
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


# Rounded, so that the last bit of a machine's power function does not matter.
TO_LINEAR = np.rint(_linear(np.arange(256) / 255) * 65535) / 65535
TO_CODED = np.searchsorted(_linear((np.arange(255) + 0.5) / 255), np.arange(LEVELS) / (LEVELS - 1)).astype(
    np.uint8
)


def add_gaussian(image: np.ndarray, sigma: float, gray: bool, rng: np.random.Generator) -> np.ndarray:
    """Add normal noise of standard deviation `sigma`, in levels of 255; `gray`: the same in the three channels."""
    shape = (*image.shape[:2], 1 if gray else 3)
    return _round(image + sigma * rng.standard_normal(shape))


def add_poisson(image: np.ndarray, sigma: float, gray: bool, rng: np.random.Generator) -> np.ndarray:
    """Replace values by counts around them: the noise grows with the square root, to `sigma` (levels) at white."""
    photons = (255 / sigma) ** 2
    light = _luma(image) if gray else image.astype(np.float64)
    return _round(image + rng.poisson(light * (photons / 255)) * (255 / photons) - light)


def add_sensor_noise(
    image: np.ndarray, photons: float, read: float, gray: bool, rng: np.random.Generator
) -> np.ndarray:
    """What a sensor adds, in linear light: Poisson counts, then normal read noise.

    Args:
        photons: electrons that a white pixel collects; high ISO means few.
        read: standard deviation of the read noise in electrons.
        gray: the same noise in the three channels, as a converter to monochrome leaves it.
    """
    linear = TO_LINEAR[image]
    light = (_luma(linear) if gray else linear) * photons
    counts = rng.poisson(light) + read * rng.standard_normal(light.shape)
    noisy = linear + (counts - light) / photons
    return TO_CODED[np.rint(np.clip(noisy, 0, 1) * (LEVELS - 1)).astype(np.intp)]


def _luma(values: np.ndarray) -> np.ndarray:
    """(H, W, 1); a plain sum, as a matrix product rounds differently from machine to machine."""
    red, green, blue = np.moveaxis(values.astype(np.float64), -1, 0)
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue)[..., None]


def _round(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
