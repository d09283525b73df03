"""A pair of LR and HR crops from one decoded image: where it is cut, how it is turned, how its LR is made."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..images.bicubic import downscale
from .degradations import Mixture

CONTEXT = 2
"""LR pixels around a crop that its LR pixels depend on: the reach of the bicubic kernel."""

MARGIN = 12
"""LR pixels around a crop that are degraded with it: no blur's border and hardly a codec's block reaches the crop."""

Pair = dict[str, Tensor]


@dataclass
class TrainingImage:
    """A decoded image, (H, W, 3) uint8, with its LR image where it is not made from it, and a teacher's result."""

    name: str
    hr: np.ndarray
    lr: np.ndarray | None
    result: np.ndarray | None = None


class Turn(NamedTuple):
    """One of the eight ways to lay a crop."""

    flip_rows: bool
    flip_columns: bool
    transpose: bool

    def of(self, x: Tensor) -> Tensor:
        """(..., H, W) turned."""
        x = x.flip(-2) if self.flip_rows else x
        x = x.flip(-1) if self.flip_columns else x
        return (x.transpose(-2, -1) if self.transpose else x).contiguous()


class Area(NamedTuple):
    """HR pixels around a crop, and where in them the crop begins."""

    pixels: np.ndarray
    top: int
    left: int


@dataclass(frozen=True)
class Cropper:
    """Cuts pairs {"lr": (3, crop/scale, crop/scale), "hr": (3, crop, crop)} in [0, 1].

    Where an image has a teacher's result, its crop "teacher" is as large as "hr".

    Args:
        crop: side of the HR crop in pixels, a multiple of `scale`.
        scale: HR pixels to one LR pixel.
        candidates: positions to draw for each crop, of which the one with the most contrast is taken.
        degradation: how LR is made of HR; images that come with an LR image keep it.
    """

    crop: int
    scale: int
    candidates: int
    degradation: Mixture

    def cut(self, image: TrainingImage, rng: np.random.Generator) -> Pair:
        """A random crop. Its position does not depend on the degradation, whose draws come last."""
        if image.lr is None and image.result is None:
            image = self._off_the_lattice(image, rng)
        top, left = self._position(image, rng)
        turn = Turn(*(rng.random(3) < 0.5))
        if image.lr is None and not self.degradation.is_clean:
            return self._degraded(self._around(image.hr, top, left, MARGIN), turn, rng)
        pair = self._clean(image, top, left)
        if image.result is not None:
            pair["teacher"] = _tensor(image.result[top : top + self.crop, left : left + self.crop])
        return {key: turn.of(x) for key, x in pair.items()}

    def _off_the_lattice(self, image: TrainingImage, rng: np.random.Generator) -> TrainingImage:
        """Without its first 0 to scale - 1 rows and columns: else JPEG's blocks begin where LR pixels do."""
        sides = image.hr.shape[:2]
        top, left = (int(rng.integers(min(self.scale, side - self.crop + 1))) for side in sides)
        return TrainingImage(image.name, image.hr[top:, left:], None)

    def _position(self, image: TrainingImage, rng: np.random.Generator) -> tuple[int, int]:
        scale, side = self.scale, self.crop // self.scale
        sizes = [(image, scale) for image in (image.hr, image.result) if image is not None]
        sizes += [] if image.lr is None else [(image.lr, 1)]
        rows, columns = (
            min(pixels.shape[axis] // factor for pixels, factor in sizes) - side + 1 for axis in (0, 1)
        )
        positions = [
            (int(rng.integers(rows)) * scale, int(rng.integers(columns)) * scale)
            for _ in range(self.candidates)
        ]
        if self.candidates == 1:
            return positions[0]
        return max(positions, key=lambda position: self._contrast(image.hr, *position))

    def _contrast(self, pixels: np.ndarray, top: int, left: int) -> float:
        """Mean absolute difference of neighboring green pixels."""
        green = pixels[top : top + self.crop : 2, left : left + self.crop, 1].astype(np.int16)
        return float(np.abs(np.diff(green, axis=1)).mean())

    def _clean(self, image: TrainingImage, top: int, left: int) -> Pair:
        """The crop at (top, left) and its LR: that crop of the LR image, given or made from the whole."""
        scale, side = self.scale, self.crop // self.scale
        if image.lr is not None:
            row, column = top // scale, left // scale
            return {
                "lr": _tensor(image.lr[row : row + side, column : column + side]),
                "hr": _tensor(image.hr[top : top + self.crop, left : left + self.crop]),
            }
        area = self._around(image.hr, top, left, CONTEXT)
        hr = _tensor(area.pixels)
        return self._inner(downscale(hr, scale), hr, area.top, area.left)

    def _around(self, pixels: np.ndarray, top: int, left: int, margin: int) -> Area:
        """The crop with `margin` LR pixels on each side, fewer where the image ends."""
        reach = margin * self.scale
        above, before = min(reach, top), min(reach, left)
        rows = slice(top - above, top + self.crop + reach)
        return Area(pixels[rows, left - before : left + self.crop + reach], above, before)

    def _degraded(self, area: Area, turn: Turn, rng: np.random.Generator) -> Pair:
        """Turned first: encoders work from the top left, and the network meets files that were not turned."""
        rows, columns = (length // self.scale * self.scale for length in area.pixels.shape[:2])
        pixels = torch.from_numpy(area.pixels[:rows, :columns].copy())
        top = rows - area.top - self.crop if turn.flip_rows else area.top
        left = columns - area.left - self.crop if turn.flip_columns else area.left
        if turn.transpose:
            top, left = left, top
        hr = turn.of(pixels.permute(2, 0, 1)).permute(1, 2, 0).contiguous().numpy()
        lr = self.degradation.degrade(hr, self.scale, rng)
        return self._inner(_tensor(lr), _tensor(hr), top, left)

    def _inner(self, lr: Tensor, hr: Tensor, top: int, left: int) -> Pair:
        side, row, column = self.crop // self.scale, top // self.scale, left // self.scale
        return {
            "lr": lr[:, row : row + side, column : column + side].contiguous(),
            "hr": hr[:, top : top + self.crop, left : left + self.crop].contiguous(),
        }


def _tensor(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (3, H, W) in [0, 1]."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
