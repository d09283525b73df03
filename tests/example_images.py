"""Images of every kind: photographs, with noise, and pixel art."""

from pathlib import Path

import numpy as np
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "spaces/upscaler/examples"


def photograph(name: str) -> np.ndarray:
    return np.asarray(Image.open(EXAMPLES / f"{name}.png").convert("RGB"))


def noisy(pixels: np.ndarray, level: float) -> np.ndarray:
    added = pixels + np.random.default_rng(0).normal(0, level, pixels.shape)
    return np.rint(added.clip(0, 255)).astype(np.uint8)


def sprites(side: int = 16, count: int = 6, seed: int = 0) -> np.ndarray:
    """Pixel art: sprites with an outline and three shades each, on tiles of grass."""
    rng = np.random.default_rng(seed)
    page = np.empty((count * side, count * side, 3), np.uint8)
    page[:] = (88, 140, 60)
    page[rng.random(page.shape[:2]) < 0.15] = (70, 120, 50)
    for index in range(count * count):
        half = np.kron(rng.random((side // 2, side // 4)) < 0.55, np.ones((2, 2), bool))
        body = np.pad(np.concatenate((half, half[:, ::-1]), axis=1), 1)
        grown = np.zeros_like(body)
        for across, down in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            grown |= np.roll(body, (across, down), (0, 1))
        body, outline = body[1:-1, 1:-1], (grown & ~body)[1:-1, 1:-1]
        color = rng.integers(60, 250, 3)
        shades = np.stack([color * share for share in (1, 0.75, 0.5)]).astype(np.uint8)
        top, left = index // count * side, index % count * side
        tile = page[top : top + side, left : left + side]
        rows = np.linspace(0, 2.99, side).astype(int)[:, None].repeat(side, 1)
        tile[body] = shades[rows][body]
        tile[outline] = (24, 20, 37)
    return page
