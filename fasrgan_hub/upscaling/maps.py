"""Maps of a result, made from the small image: where it looks generated, and how much of it was invented.

Every kind has `values` (H, W) of the result's size, a heat map, an overlay, color bars and one `number`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..errors import UserError
from ..images.inputs import ImageInput, decode
from . import score_map_rendering
from .score_map import ScoreMap, colors
from .score_map_rendering import Bar, doubt
from .upscaler import Upscaler

KINDS = ("generated", "invented")
"""The kinds of maps."""

TOP = 32
"""Gray levels of the right end of the color bars."""
INVENTED = Bar(("0", f"{TOP // 2}", f"{TOP} gray levels"), "as the faithful model", "invented", rising=True)


@dataclass(frozen=True)
class InventedMap:
    """How far a result is from that of the model's L1 stage: the detail that was made up.

    Args:
        values: (H, W) float32 in [0, 255]: the absolute difference in gray levels, its mean over the channels.
    """

    values: np.ndarray

    @property
    def number(self) -> float:
        """The mean of `values`."""
        return float(self.values.mean(dtype=np.float64))

    def heat_map(self) -> Image.Image:
        """The map in colors, dark for 0 and bright from `TOP` gray levels on; it has the size of the result."""
        return Image.fromarray(score_map_rendering.colored(self._relative()))

    def overlay(self, image: ImageInput) -> Image.Image:
        """The result in 8-bit RGB, tinted the redder the more was invented."""
        return score_map_rendering.overlay(colors(image), doubt(self._relative()))

    def legend(self, width: int = 480) -> Image.Image:
        """The color bars of heat map and overlay, `width` pixels wide."""
        return score_map_rendering.legend(width, INVENTED)

    def sheet(self, image: ImageInput) -> Image.Image:
        """Overlay, heat map and legend on one page."""
        return score_map_rendering.sheet(self.overlay(image), self.heat_map(), INVENTED)

    def _relative(self) -> np.ndarray:
        return (self.values / TOP).clip(0, 1)


ResultMap = ScoreMap | InventedMap


def make_maps(
    upscaler: Upscaler, image: ImageInput, kinds: Sequence[str] | None = None
) -> dict[str, ResultMap]:
    """Enlarge an image and return the maps of the result by kind, in the order of `kinds`.

    Args:
        upscaler: what enlarges.
        image: the small image, as in `images.inputs.decode`.
        kinds: default all of `KINDS`. "generated" is the score map of the model's discriminator (0 generated, 1
            photographed), "invented" the difference from the result of the model's L1 stage in gray levels.

    Raises UserError for an unknown kind, and for a model without a discriminator or without such a sibling.
    """
    makers: dict[str, Callable[[np.ndarray, np.ndarray], ResultMap]] = {
        "generated": lambda small, result: upscaler.predictor(result),
        "invented": lambda small, result: invented(result, upscaler.faithful(small)),
    }
    kinds = KINDS if kinds is None else kinds
    if unknown := [kind for kind in kinds if kind not in makers]:
        raise UserError(f"there is no map '{unknown[0]}'; there are {', '.join(makers)}")
    if "invented" in kinds:
        _ = upscaler.faithful  # raises before the work
    if "generated" in kinds:
        _ = upscaler.predictor
    small = decode(image).pixels
    result = upscaler(small)
    return {kind: makers[kind](small, result) for kind in kinds}


def invented(result: np.ndarray, faithful: np.ndarray) -> InventedMap:
    """The map of two results (H, W, C) of one image; alpha is left out."""
    levels = np.iinfo(result.dtype).max if result.dtype.kind == "u" else 1
    ours, theirs = (colors(image).astype(np.float32) for image in (result, faithful))
    return InventedMap(np.abs(ours - theirs).mean(axis=2) * np.float32(255 / levels))
