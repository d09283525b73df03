"""Pages: a theme, a division into boxes, and something in each box. A seed and a number make a page."""

import colorsys
import random
from collections.abc import Callable, Sequence

import numpy as np

from . import drawing, writing
from .canvas import Box, Canvas, Color, Theme
from .fonts import Face
from .writing import Hand

SIDE = 768
"""Rows and columns of a page."""

SMALLEST = 150
"""A box with shorter sides is not divided."""

PARTS: tuple[tuple[Callable[[Canvas, Box, Hand], None], float], ...] = (
    (writing.write_paragraph, 5),
    (writing.write_heading, 3),
    (writing.write_table, 1.5),
    (writing.write_code, 1.5),
    (writing.write_poster, 1.5),
    (drawing.draw_window, 2),
    (drawing.draw_chart, 1.5),
    (drawing.draw_pie, 0.5),
    (drawing.draw_curves, 1),
    (drawing.draw_hatching, 0.7),
    (drawing.draw_shapes, 1.2),
    (drawing.draw_blocks, 0.4),
)
"""What may stand in a box, and how often."""


def draw_page(seed: int, number: int, faces: Sequence[Face], side: int = SIDE) -> np.ndarray:
    """Page `number` of the book with that seed: (side, side, 3) uint8, the same every time with the same fonts."""
    rng = random.Random(f"{seed} {number}")
    canvas = Canvas(side, _choose_theme(rng), hinted=rng.random() < 0.5)
    few = [rng.choice(faces) for _ in range(rng.randint(1, 4))]  # a page is set in few fonts
    hand = Hand(few, rng)
    draws, weights = zip(*PARTS, strict=True)
    for box in _divide(Box(0, 0, side, side).inset(rng.randint(4, 30)), rng):
        if rng.random() < 0.12:
            canvas.gradient(box, canvas.theme.paper, canvas.theme.faint, rng)
        elif rng.random() < 0.12:
            canvas.rectangle(box, canvas.theme.faint, radius=rng.choice((0, 6, 12)))
        rng.choices(draws, weights)[0](canvas, box.inset(rng.randint(4, 12)), hand)
    return canvas.finish()


def _divide(box: Box, rng: random.Random) -> list[Box]:
    """Boxes that fill a box, from cutting it again and again."""
    if max(box.width, box.height) < 2 * SMALLEST or (max(box.width, box.height) < 450 and rng.random() < 0.4):
        return [box]
    share = rng.uniform(0.3, 0.7)
    if box.width > box.height:
        first = Box(box.left, box.top, box.width * share, box.height)
        second = Box(first.right, box.top, box.width - first.width, box.height)
    else:
        first = Box(box.left, box.top, box.width, box.height * share)
        second = Box(box.left, first.bottom, box.width, box.height - first.height)
    return [*_divide(first, rng), *_divide(second, rng)]


def _choose_theme(rng: random.Random) -> Theme:
    """Mostly dark ink on white or nearly white paper; every fourth page light on dark."""
    hue = rng.random()
    light = (255, 255, 255) if rng.random() < 0.5 else _color(hue, rng.uniform(0, 0.15), rng.uniform(0.88, 1))
    dark = (
        (0, 0, 0) if rng.random() < 0.4 else _color(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.05, 0.3))
    )
    paper, ink = (dark, light) if rng.random() < 0.25 else (light, dark)
    accents = tuple(
        _color(rng.random(), rng.uniform(0.4, 1), rng.uniform(0.35, 1)) for _ in range(rng.randint(3, 6))
    )
    share = rng.uniform(0.06, 0.3)
    faint = tuple(round(p + share * (i - p)) for p, i in zip(paper, ink, strict=True))
    return Theme(paper, ink, (faint[0], faint[1], faint[2]), accents)


def _color(hue: float, saturation: float, value: float) -> Color:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)
