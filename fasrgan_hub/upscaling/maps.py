"""Maps of a result: how wrong it is likely to be, where it looks generated, and how much of it was invented.

Every kind has `values` (H, W) of the result's size, a heat map, an overlay, color bars and one `number`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image

from ..errors import UserError
from ..images.inputs import ImageInput, decode
from ..images.pixels import colors, white
from ..metrics.pixels import size_of
from . import score_map_rendering
from .score_map import ScoreMap
from .score_map_rendering import Bar, doubt

KINDS = ("error", "generated", "invented")
"""The kinds of maps."""

TOP = 32
"""Gray levels of the right end of the color bars."""
MUCH = 10.0
"""Gray levels from which on a pixel counts as wrong."""


@dataclass(frozen=True)
class LevelMap:
    """A map in gray levels.

    Args:
        values: (H, W) float32 in [0, 255].
    """

    values: np.ndarray
    bar: ClassVar[Bar]

    @property
    def number(self) -> float:
        """The mean of `values`."""
        return float(self.values.mean(dtype=np.float64))

    @property
    def summary(self) -> str:
        """The number with its unit."""
        return f"{self.number:.3f} gray levels"

    def heat_map(self) -> Image.Image:
        """The map in colors, dark for 0 and bright from `TOP` gray levels on; it has the size of the result."""
        return Image.fromarray(score_map_rendering.colored(self._relative()))

    def overlay(self, image: ImageInput) -> Image.Image:
        """The result in 8-bit RGB, tinted the redder the higher the value."""
        return score_map_rendering.overlay(colors(decode(image).pixels), doubt(self._relative()))

    def legend(self, width: int = 480) -> Image.Image:
        """The color bars of heat map and overlay, `width` pixels wide."""
        return score_map_rendering.legend(width, self.bar)

    def sheet(self, image: ImageInput) -> Image.Image:
        """Overlay, heat map and legend on one page."""
        return score_map_rendering.sheet(self.overlay(image), self.heat_map(), self.bar)

    def _relative(self) -> np.ndarray:
        return (self.values / TOP).clip(0, 1)


def _bar(left: str, right: str) -> Bar:
    return Bar(("0", f"{TOP // 2}", f"{TOP} gray levels"), left, right, rising=True)


class ErrorMap(LevelMap):
    """How many gray levels each pixel of a result is likely to be off: the mean over the channels that is expected."""

    bar = _bar("likely right", "likely wrong")

    @property
    def summary(self) -> str:
        """The number with its unit, and how many pixels are likely wrong."""
        return f"{super().summary}; {self.sentence}"

    def share_above(self, levels: float = MUCH) -> float:
        """The share of the pixels, 0 to 1, that are likely to be off by more than so many gray levels.

        The errors of pixels of which the same is expected are about exponentially distributed (measured), so that of
        those with the expected error m a share exp(-levels / m) is off by more.
        """
        return float(np.exp(-levels / np.maximum(self.values, 1e-3)).mean(dtype=np.float64))

    @property
    def sentence(self) -> str:
        """What the map says of the whole result."""
        share = 100 * self.share_above(MUCH)
        return f"about {share:.0f} % of the pixels are likely off by more than {MUCH:g} levels"


class InventedMap(LevelMap):
    """How far a result is from that of the model's L1 stage, in gray levels: the detail that was made up."""

    bar = _bar("as the faithful model", "invented")


ResultMap = ScoreMap | LevelMap


def check_kinds(kinds: Sequence[str] | None) -> Sequence[str]:
    """The kinds that are asked for, one or several, None for all. Raises UserError for an unknown one."""
    if isinstance(kinds, str):
        kinds = [kinds]
    if unknown := [kind for kind in kinds or () if kind not in KINDS]:
        raise UserError(f"there is no map '{unknown[0]}'; there are {', '.join(KINDS)}")
    return KINDS if kinds is None else kinds


def invented(result: np.ndarray, faithful: np.ndarray) -> InventedMap:
    """The map of two results (H, W, C) of one image; alpha is left out. UserError for results of different sizes."""
    if result.shape[:2] != faithful.shape[:2]:
        raise UserError(f"the result is {size_of(result)}, that of the L1 stage {size_of(faithful)}")
    ours, theirs = (colors(image).astype(np.float32) for image in (result, faithful))
    return InventedMap(np.abs(ours - theirs).mean(axis=2) * np.float32(255 / white(result)))
