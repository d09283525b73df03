"""Maps as images: colors, a tint over the image of the map, and the bar that explains both."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..errors import UserError
from ..metrics.pixels import rgb8

# From 0, dark, to 1, bright: the order survives in gray print and for every kind of color vision.
ANCHORS = np.array([(24, 14, 66), (112, 28, 112), (206, 62, 78), (250, 152, 52), (252, 248, 190)], float)
TINT = np.array((235, 0, 110), float)
STRENGTH = 0.85
PAPER, INK = (255, 255, 255), (30, 30, 30)


def colored(values: np.ndarray) -> np.ndarray:
    """Scores (H, W) in [0, 1] -> colors (H, W, 3) uint8, the same score always the same color."""
    steps = np.linspace(0, 255, len(ANCHORS))
    table = np.stack([np.interp(np.arange(256), steps, channel) for channel in ANCHORS.T], axis=1)
    return np.rint(table).astype(np.uint8)[_bytes(values)]


def tinted(pixels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Colors (H, W, 3) uint8, the redder the further the score is below 0.5; those above stay as they are."""
    strength = np.float32(STRENGTH) * np.clip(1 - 2 * values.astype(np.float32), 0, 1)[..., None]
    return np.rint(pixels + strength * (TINT.astype(np.float32) - pixels)).astype(np.uint8)


@dataclass(frozen=True)
class Bar:
    """What stands under the color bars of a map.

    Args:
        numbers: at the left end, in the middle and at the right end.
        left, right: what these ends mean.
        rising: whether the tint of the overlay is for high values; else it is for those below the middle.
    """

    numbers: tuple[str, str, str]
    left: str
    right: str
    rising: bool = False


SCORES = Bar(("0", "0.5", "1"), "taken for generated", "taken for photographed")


def doubt(values: np.ndarray) -> np.ndarray:
    """Values in [0, 1] that `tinted` shows the redder, the higher `values` in [0, 1] are."""
    return (1 - values) / 2


def legend(width: int, bar: Bar = SCORES) -> Image.Image:
    """The color bar of `colored`, that of `tinted` over gray below it, and what the numbers mean."""
    size = max(10, min(20, width // 26))
    font = ImageFont.load_default(size)
    image = Image.new("RGB", (width, 7 * size), PAPER)
    draw = ImageDraw.Draw(image)
    length = max(1, width - 2 * size)
    ramp = np.broadcast_to(np.linspace(0, 1, length), (size, length))
    gray = np.full((*ramp.shape, 3), 128, np.uint8)
    tint = tinted(gray, doubt(ramp) if bar.rising else ramp)
    image.paste(Image.fromarray(np.concatenate((colored(ramp), tint))), (size, size // 2))
    line = 2 * size + size // 2
    for at, label, anchor in zip((0.0, 0.5, 1.0), bar.numbers, ("la", "ma", "ra"), strict=True):
        draw.text((size + at * length, line), label, INK, font, anchor=anchor)
    line += size + size // 2
    draw.text((size, line), bar.left, INK, font)
    draw.text((width - size, line), bar.right, INK, font, anchor="ra")
    return image


def overlay(pixels: np.ndarray, values: np.ndarray) -> Image.Image:
    """`tinted` over the colors (H, W, 1 or 3) of an image, uint8, uint16 or floats. UserError for another size."""
    if pixels.shape[:2] != values.shape:
        raise UserError("the map is of an image of another size")
    if pixels.dtype.kind == "f":
        pixels = np.rint(pixels.clip(0, 1) * 255).astype(np.uint8)
    return Image.fromarray(tinted(rgb8(pixels), values))


def sheet(overlay: Image.Image, heat: Image.Image, bar: Bar = SCORES) -> Image.Image:
    """Overlay and heat map side by side (below one another if wide), the legend under them."""
    beside = overlay.width <= 2 * overlay.height
    gap = 8
    right, down = (overlay.width + gap, 0) if beside else (0, overlay.height + gap)
    width, height = max(overlay.width + right, 240), overlay.height + down
    bars = legend(min(width, 640), bar)
    image = Image.new("RGB", (width, height + bars.height), PAPER)
    image.paste(overlay, (0, 0))
    image.paste(heat, (right, down))
    image.paste(bars, ((width - bars.width) // 2, height))
    return image


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
