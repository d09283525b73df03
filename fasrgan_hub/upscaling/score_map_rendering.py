"""Score maps as images: colors, a tint over the image of the map, and the bar that explains both."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

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


def legend(width: int) -> Image.Image:
    """The color bar of `colored`, that of `tinted` over gray below it, and what the numbers mean."""
    size = max(10, min(20, width // 26))
    font = ImageFont.load_default(size)
    image = Image.new("RGB", (width, 7 * size), PAPER)
    draw = ImageDraw.Draw(image)
    length = max(1, width - 2 * size)
    ramp = np.broadcast_to(np.linspace(0, 1, length), (size, length))
    gray = np.full((*ramp.shape, 3), 128, np.uint8)
    image.paste(Image.fromarray(np.concatenate((colored(ramp), tinted(gray, ramp)))), (size, size // 2))
    line = 2 * size + size // 2
    for at, label, anchor in ((0.0, "0", "la"), (0.5, "0.5", "ma"), (1.0, "1", "ra")):
        draw.text((size + at * length, line), label, INK, font, anchor=anchor)
    line += size + size // 2
    draw.text((size, line), "taken for generated", INK, font)
    draw.text((width - size, line), "taken for photographed", INK, font, anchor="ra")
    return image


def sheet(overlay: Image.Image, heat: Image.Image) -> Image.Image:
    """Overlay and heat map side by side (below one another if wide), the legend under them."""
    beside = overlay.width <= 2 * overlay.height
    gap = 8
    right, down = (overlay.width + gap, 0) if beside else (0, overlay.height + gap)
    width, height = max(overlay.width + right, 240), overlay.height + down
    bar = legend(min(width, 640))
    image = Image.new("RGB", (width, height + bar.height), PAPER)
    image.paste(overlay, (0, 0))
    image.paste(heat, (right, down))
    image.paste(bar, ((width - bar.width) // 2, height))
    return image


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
