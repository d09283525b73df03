"""Examples to judge results by: crops of photographs, clean and degraded, and what a model makes of them."""

import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..data.cropping import Cropper, TrainingImage
from ..data.crops import decode_rgb
from ..data.degradations import Mixture
from ..data.sources import list_shards
from ..errors import UserError
from ..images.bicubic import resize

CROP = 52
"""Side in pixels of the small crops that the model enlarges."""
MARGIN = 3
"""Cells at the border of a crop that do not count: their surroundings are missing."""
MOST_SHRUNK = 4.0
"""Photographs are shrunk by up to this factor first: originals differ in how sharp their pixels are."""

KEPT_OUT = 8
"""Every so many photographs one is not learned from: on them a network is measured."""

GRAINY = 0.25
"""Share of the crops whose photograph gets grain: most photographs at hand have none, other people's do."""
MOST_GRAIN = 8.0
"""Gray levels of the strongest grain's standard deviation; the faintest has 1."""

Enlarge = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Examples:
    """Crops (N, 3, H, W) uint8: small images, their results, the originals, and the results of a reference if any."""

    small: Tensor
    result: Tensor
    original: Tensor
    other: Tensor | None = None

    def whole(self, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """One crop: result, small image (1, 3, H, W) in [0, 1], error (1, 1, sH, sW) in gray levels, other result."""
        small, result, original = (
            x[index : index + 1].float() for x in (self.small, self.result, self.original)
        )
        error = (result - original).abs().mean(dim=1, keepdim=True)
        other = None if self.other is None else self.other[index : index + 1].float() / 255
        return result / 255, small / 255, error, other


def split_images(
    source: str, most: int, seed: int, scale: int
) -> tuple[list[TrainingImage], list[TrainingImage]]:
    """At most `most` photographs: those to learn from, and those that are kept out.

    Raises UserError for a source without at least two that are large enough.
    """
    images = list(read_images(source, most, seed, scale))
    if len(images) < 2:
        raise UserError(
            f"'{source}' has {len(images)} photographs of {CROP * scale} pixels and more a side; "
            "at least 2 are needed"
        )
    return [image for at, image in enumerate(images) if at % KEPT_OUT], images[::KEPT_OUT]


def read_images(source: str, most: int, seed: int, scale: int) -> Iterator[TrainingImage]:
    """The photographs that are used, in an order that the seed decides; at most `most`."""
    shards = list_shards(source)
    order = np.random.default_rng(seed).permutation(len(shards))
    for index in order[:most]:
        for row in shards[index].rows():
            try:
                hr = decode_rgb(row["read"]())
            except Exception as error:  # Pillow's decoders raise nearly anything
                warnings.warn(f"skipped {row['name']}: {error}", stacklevel=2)
                continue
            if min(hr.shape[:2]) >= CROP * scale:
                yield TrainingImage(row["name"], hr, None)


def make_examples(
    enlarge: Enlarge,
    images: list[TrainingImage],
    degradation: Mixture,
    seed: int,
    scale: int,
    count: int,
    refer: Enlarge | None = None,
) -> Examples:
    """`count` crops, as many of each photograph as of the others, and what model and reference make of them."""
    cropper = Cropper(CROP * scale, scale, 1, degradation)
    crops: list[list[Tensor]] = []
    for number in range(count):
        turn, place = divmod(number, len(images))
        image = images[place]
        rng = np.random.default_rng([seed, zlib.crc32(image.name.encode()), turn])
        pair = cropper.cut(_with_grain(_shrink(image, rng, CROP * scale), rng), rng)
        small, original = ((255 * pair[key]).round().byte() for key in ("lr", "hr"))
        results = [_planes(each(_pixels(small))) for each in (enlarge, refer) if each]
        crops.append([small, results[0], original, *results[1:]])
    return Examples(*map(torch.stack, zip(*crops, strict=True)))


def _pixels(planes: Tensor) -> np.ndarray:
    """(3, H, W) -> (H, W, 3)."""
    return planes.permute(1, 2, 0).contiguous().numpy()


def _planes(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) -> (3, H, W)."""
    return torch.from_numpy(pixels).permute(2, 0, 1)


def _shrink(image: TrainingImage, rng: np.random.Generator, least: int) -> TrainingImage:
    """A photograph by bicubic at a factor that is drawn, no side below `least` pixels."""
    factor = min(MOST_SHRUNK, min(image.hr.shape[:2]) / least) ** rng.random()
    height, width = (max(least, round(side / factor)) for side in image.hr.shape[:2])
    planes = resize(torch.tensor(image.hr).permute(2, 0, 1).float(), size=(height, width))
    return TrainingImage(image.name, _pixels(planes.clamp(0, 255).round().byte()), None)


def _with_grain(image: TrainingImage, rng: np.random.Generator) -> TrainingImage:
    """A photograph, one of four with noise: white or, as after a resize, smooth; gray or colored."""
    if rng.random() >= GRAINY:
        return image
    grain = rng.standard_normal((*image.hr.shape[:2], rng.choice((1, 3))), np.float32)
    if rng.random() < 0.5:
        for axis in (0, 1):
            grain = np.roll(grain, 1, axis) + 2 * grain + np.roll(grain, -1, axis)
    noisy = image.hr + MOST_GRAIN ** rng.random() * grain / grain.std()
    return TrainingImage(image.name, noisy.clip(0, 255).round().astype(np.uint8), None)
