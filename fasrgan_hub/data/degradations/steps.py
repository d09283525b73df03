"""The steps that degradations are made of: each takes and gives (H, W, 3) uint8, as a program that saves a file does.

Lengths are in pixels of the LR image, whatever size the image has when the step comes: a blur of sigma 0.5 is four
times wider, in pixels, on the HR image of a x4 model. So a preset means the same at every scale.
Ranges are (low, high), both included. Choices are {name: share}; shares need not add up to 1.
Every random choice comes from the generator that a step is called with.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np
from PIL import Image

from ...errors import UserError
from . import kernels, noise
from .codecs import FORMATS, GRID, SUBSAMPLING, compress

Range = tuple[float, float]
Shares = Mapping[str, float]

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
"""The filters of Pillow; all but nearest are widened when they shrink."""

ONE_SIDED = ("nearest", "box")
"""Filters that take the lower neighbor where two are as near: they are mirrored for half of the images."""


@dataclass
class Target:
    """What the steps of one degradation share.

    Args:
        size: rows and columns of the LR image.
        scale: HR pixels to one LR pixel.
        shift: rows and columns that the grid of a codec's blocks begins above and left of the image.
    """

    size: tuple[int, int]
    scale: int
    shift: tuple[int, int]

    def pixels(self, image: np.ndarray) -> float:
        """Pixels of `image` to one LR pixel."""
        return math.sqrt(image.shape[0] * image.shape[1] / (self.size[0] * self.size[1]))


@dataclass(frozen=True, kw_only=True)
class Step(ABC):
    """What all steps have.

    Args:
        probability: of the step being carried out, for each image anew.
    """

    BOUNDS: ClassVar[dict[str, Range]] = {}
    """The values that a range or a probability may have, by field."""

    NAMES: ClassVar[dict[str, tuple[str, ...]]] = {}
    """The names that shares may be of, by field."""

    probability: float = 1.0

    def __post_init__(self) -> None:
        for option in fields(self):
            value, name = getattr(self, option.name), f"{type(self).__name__}.{option.name}"
            if option.name in self.NAMES:
                _check_shares(name, value, self.NAMES[option.name])
            elif option.name in self.BOUNDS:
                _check_range(name, value, *self.BOUNDS[option.name])
            else:
                _check_probability(name, value)

    @abstractmethod
    def apply(self, image: np.ndarray, target: Target, rng: np.random.Generator) -> np.ndarray:
        """The image after this step."""


@dataclass(frozen=True, kw_only=True)
class Blur(Step):
    """Convolve with a random kernel, symmetric about its center.

    Args:
        kinds: isotropic, anisotropic, generalized and plateau (both with two axes), motion, defocus, sinc.
        sigma: of the first four, in LR pixels; each axis draws its own.
        power: of generalized and plateau kernels; 1 is a Gaussian. Below 1 is drawn as often as above.
        length: of motion, in LR pixels.
        radius: of defocus, in LR pixels.
        cutoff: of sinc: the highest frequency that passes, 1 is the highest that the LR image can hold.
    """

    kinds: Shares = field(default_factory=lambda: {"isotropic": 1.0})
    sigma: Range = (0.1, 0.5)
    power: Range = (0.5, 4.0)
    length: Range = (0.5, 2.0)
    radius: Range = (0.2, 0.8)
    cutoff: Range = (0.5, 1.0)

    BOUNDS: ClassVar = {
        "sigma": (0.01, 10),
        "power": (0.1, 10),
        "length": (0.01, 50),
        "radius": (0.01, 20),
        "cutoff": (0.1, 1),
    }
    NAMES: ClassVar = {
        "kinds": ("isotropic", "anisotropic", "generalized", "plateau", "motion", "defocus", "sinc")
    }

    def apply(self, image: np.ndarray, target: Target, rng: np.random.Generator) -> np.ndarray:
        pixels = target.pixels(image)
        kind = pick(self.kinds, rng)
        angle = rng.uniform(0, math.pi)
        if kind == "motion":
            kernel = kernels.make_motion(rng.uniform(*self.length) * pixels, angle)
        elif kind == "defocus":
            kernel = kernels.make_defocus(rng.uniform(*self.radius) * pixels)
        elif kind == "sinc":
            cutoff = min(math.pi, math.pi * rng.uniform(*self.cutoff) / pixels)
            kernel = kernels.make_sinc(cutoff, math.ceil(kernels.SINC_REACH * pixels))
        else:
            sigmas = (rng.uniform(*self.sigma) * pixels, rng.uniform(*self.sigma) * pixels)
            kernel = self._bell(kind, sigmas, angle, rng)
        return kernels.convolve(image, kernel)

    def _bell(self, kind: str, sigmas: Range, angle: float, rng: np.random.Generator) -> np.ndarray:
        if kind == "isotropic":
            return kernels.make_gaussian((sigmas[0], sigmas[0]))
        if kind == "anisotropic":
            return kernels.make_gaussian(sigmas, angle)
        low, high = self.power
        sides = [(low, min(1.0, high)), (max(1.0, low), high)]
        possible = [side for side in sides if side[0] <= side[1]]
        power = rng.uniform(*possible[rng.integers(len(possible))])
        if kind == "plateau":
            return kernels.make_plateau(sigmas, angle, power)
        return kernels.make_gaussian(sigmas, angle, power)


@dataclass(frozen=True, kw_only=True)
class Resize(Step):
    """Resize to a random size, the whole image onto the whole image, so that nothing shifts.

    Args:
        size: side of the result in sides of the LR image, drawn evenly on a logarithmic scale; (1, 1) is the LR
            image's size. The result is never larger than the HR image.
        filters: nearest, box, bilinear, hamming, bicubic, lanczos.
    """

    size: Range = (1.0, 1.0)
    filters: Shares = field(default_factory=lambda: {"bicubic": 1.0})

    BOUNDS: ClassVar = {"size": (0.1, 8)}
    NAMES: ClassVar = {"filters": tuple(FILTERS)}

    def apply(self, image: np.ndarray, target: Target, rng: np.random.Generator) -> np.ndarray:
        low, high = self.size
        factor = min(low * (high / low) ** rng.random(), target.scale)
        rows, columns = (max(1, round(length * factor)) for length in target.size)
        name = pick(self.filters, rng)
        turns = tuple(int(turn) for turn in rng.choice((1, -1), 2)) if name in ONE_SIDED else (1, 1)
        if image.shape[:2] == (rows, columns):
            return image
        turned = np.ascontiguousarray(image[:: turns[0], :: turns[1]])
        resized = Image.fromarray(turned).resize((columns, rows), FILTERS[name])
        return np.asarray(resized)[:: turns[0], :: turns[1]]


@dataclass(frozen=True, kw_only=True)
class Noise(Step):
    """Add noise.

    Args:
        kinds: gaussian and poisson, on the values of the file; sensor: Poisson and read noise in linear light.
        sigma: standard deviation of gaussian noise, of poisson noise at white, in levels of 255.
        photons: of sensor noise: electrons of a white pixel, drawn evenly on a logarithmic scale.
        read: of sensor noise: standard deviation of the read noise, in electrons.
        gray: probability that the three channels have the same noise.
    """

    kinds: Shares = field(default_factory=lambda: {"gaussian": 1.0})
    sigma: Range = (1.0, 5.0)
    photons: Range = (500.0, 20_000.0)
    read: Range = (1.0, 5.0)
    gray: float = 0.4

    BOUNDS: ClassVar = {"sigma": (0.1, 100), "photons": (10, 1e7), "read": (0, 1000)}
    NAMES: ClassVar = {"kinds": ("gaussian", "poisson", "sensor")}

    def apply(self, image: np.ndarray, target: Target, rng: np.random.Generator) -> np.ndarray:
        kind = pick(self.kinds, rng)
        gray = rng.random() < self.gray
        if kind == "sensor":
            low, high = self.photons
            photons = low * (high / low) ** rng.random()
            return noise.add_sensor_noise(image, photons, rng.uniform(*self.read), gray, rng)
        add = noise.add_gaussian if kind == "gaussian" else noise.add_poisson
        return add(image, rng.uniform(*self.sigma), gray, rng)


@dataclass(frozen=True, kw_only=True)
class Codec(Step):
    """Save as a lossy file and read that.

    Args:
        formats: jpeg, webp, avif.
        quality: 1 to 100, whole numbers, on each encoder's own scale.
        subsampling: of the color of JPEG and AVIF: 4:4:4, 4:2:2, 4:2:0; WebP has 4:2:0 alone.
        shift: probability that the grid of blocks lies elsewhere than that of the codec before, as in a file that
            was cropped between.
    """

    formats: Shares = field(default_factory=lambda: {"jpeg": 1.0})
    quality: Range = (50, 95)
    subsampling: Shares = field(default_factory=lambda: {"4:4:4": 0.3, "4:2:2": 0.1, "4:2:0": 0.6})
    shift: float = 0.5

    BOUNDS: ClassVar = {"quality": (1, 100)}
    NAMES: ClassVar = {"formats": FORMATS, "subsampling": SUBSAMPLING}

    def apply(self, image: np.ndarray, target: Target, rng: np.random.Generator) -> np.ndarray:
        if rng.random() < self.shift:
            target.shift = draw_shift(rng)
        quality = int(rng.integers(round(self.quality[0]), round(self.quality[1]) + 1))
        form, subsampling = pick(self.formats, rng), pick(self.subsampling, rng)
        return compress(image, form, quality, subsampling, target.shift)


STEPS: dict[str, type[Step]] = {"blur": Blur, "resize": Resize, "noise": Noise, "codec": Codec}
"""The steps by the names that a YAML file gives them."""


def draw_shift(rng: np.random.Generator) -> tuple[int, int]:
    """Where a grid of blocks begins, see `Target`."""
    return int(rng.integers(GRID)), int(rng.integers(GRID))


def pick(shares: Shares, rng: np.random.Generator) -> str:
    """One of the names, each as often as its share says."""
    possible = [(name, share) for name, share in shares.items() if share]
    at = rng.random() * sum(share for _, share in possible)
    for name, share in possible[:-1]:
        at -= share
        if at < 0:
            return name
    return possible[-1][0]


def _check_probability(name: str, value: object) -> None:
    if not _is_number(value) or not 0 <= value <= 1:  # type: ignore[operator]
        raise UserError(f"{name} is {value!r}; it must be a number from 0 to 1")


def _check_range(name: str, value: object, lowest: float, highest: float) -> None:
    if not isinstance(value, tuple) or len(value) != 2 or not all(map(_is_number, value)):
        raise UserError(f"{name} is {value!r}; it must be a range: two numbers, the lower one first")
    if not lowest <= value[0] <= value[1] <= highest:
        raise UserError(f"{name} is {value!r}; it must be a range within {lowest:g} to {highest:g}")


def _check_shares(name: str, value: object, names: tuple[str, ...]) -> None:
    if not isinstance(value, Mapping):
        raise UserError(f"{name} is {value!r}; it must give each name a share")
    for key, share in value.items():
        if key not in names:
            raise UserError(f"{name} has no '{key}'; there are {', '.join(names)}")
        if not _is_number(share) or not 0 <= share < math.inf:
            raise UserError(f"{name}: the share of {key} is {share!r}; it must be a number, at least 0")
    if not sum(value.values()):
        raise UserError(f"{name} is {dict(value)!r}; at least one share must be above 0")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
