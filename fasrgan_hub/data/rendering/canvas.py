"""A page to draw on: shapes with antialiased edges, text as FreeType draws it."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .fonts import Face

FINE = 3
"""Each pixel of a page is drawn as FINE x FINE of them, whose mean it is."""

Color = tuple[int, int, int]
Point = tuple[float, float]
Points = Sequence[Point]


@dataclass(frozen=True)
class Box:
    """A part of a page, in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def bottom(self) -> float:
        return self.top + self.height

    def inset(self, by: float) -> "Box":
        """Without a border of `by` pixels."""
        return Box(self.left + by, self.top + by, max(1, self.width - 2 * by), max(1, self.height - 2 * by))

    def rows(self, count: int, gap: float = 0) -> list["Box"]:
        """Divided into rows of one height."""
        height = (self.height - gap * (count - 1)) / count
        return [Box(self.left, self.top + n * (height + gap), self.width, height) for n in range(count)]

    def columns(self, count: int, gap: float = 0) -> list["Box"]:
        """Divided into columns of one width."""
        width = (self.width - gap * (count - 1)) / count
        return [Box(self.left + n * (width + gap), self.top, width, self.height) for n in range(count)]

    def point(self, rng: random.Random) -> Point:
        """Somewhere inside."""
        return rng.uniform(self.left, self.right), rng.uniform(self.top, self.bottom)


@dataclass(frozen=True)
class Theme:
    """Colors that go together."""

    paper: Color
    ink: Color
    faint: Color
    accents: tuple[Color, ...]


class Canvas:
    """A square page of `side` pixels. Shapes lie below text."""

    def __init__(self, side: int, theme: Theme, hinted: bool):
        self.side = side
        self.theme = theme
        self.hinted = hinted
        """Whether text is drawn at its size, as on a screen, or finely and then shrunk, as on paper."""
        self._fine = Image.new("RGB", (side * FINE, side * FINE), theme.paper)
        self._draw = ImageDraw.Draw(self._fine)
        self._texts: list[tuple[Point, str, Face, int, Color, str]] = []

    def rectangle(
        self,
        box: Box,
        fill: Color | None = None,
        outline: Color | None = None,
        width: float = 1,
        radius: float = 0,
    ) -> None:
        corners = [round(value * FINE) for value in (box.left, box.top, box.right, box.bottom)]
        corners[2], corners[3] = max(corners[0], corners[2] - 1), max(corners[1], corners[3] - 1)
        self._draw.rounded_rectangle(corners, radius * FINE, fill, outline, max(1, round(width * FINE)))

    def ellipse(
        self, box: Box, fill: Color | None = None, outline: Color | None = None, width: float = 1
    ) -> None:
        corners = [value * FINE for value in (box.left, box.top, box.right, box.bottom)]
        self._draw.ellipse(corners, fill, outline, max(1, round(width * FINE)))

    def polygon(self, points: Points, fill: Color) -> None:
        self._draw.polygon([(x * FINE, y * FINE) for x, y in points], fill)

    def line(self, points: Points, color: Color, width: float = 1) -> None:
        fine = [(x * FINE, y * FINE) for x, y in points]
        self._draw.line(fine, color, max(1, round(width * FINE)), joint="curve")

    def pie(self, box: Box, start: float, end: float, fill: Color) -> None:
        """A sector, angles in degrees clockwise from the right."""
        corners = [value * FINE for value in (box.left, box.top, box.right, box.bottom)]
        self._draw.pieslice(corners, start, end, fill)

    def text(self, at: Point, text: str, face: Face, size: int, color: Color, anchor: str = "la") -> None:
        """Text of `size` pixels; `anchor` as Pillow has it, (x, y) of the top left corner unless it says otherwise."""
        if self.hinted:
            self._texts.append((at, text, face, size, color, anchor))
            return
        fine = (at[0] * FINE, at[1] * FINE)
        self._draw.text(fine, text, color, face.at(size * FINE), anchor=anchor)

    def gradient(self, box: Box, first: Color, last: Color, rng: random.Random) -> None:
        """A slope of colors in a random direction."""
        angle = rng.uniform(0, 2 * math.pi)
        left, top, right, bottom = (
            round(value * FINE) for value in (box.left, box.top, box.right, box.bottom)
        )
        rows, columns = np.mgrid[top:bottom:FINE, left:right:FINE]
        if not rows.size:
            return
        along = columns * math.cos(angle) + rows * math.sin(angle)
        share = ((along - along.min()) / max(1.0, np.ptp(along)))[..., None]
        colors = (np.array(first) * (1 - share) + np.array(last) * share).round().astype(np.uint8)
        self._fine.paste(Image.fromarray(colors).resize((right - left, bottom - top)), (left, top))

    def finish(self) -> np.ndarray:
        """The page, (side, side, 3) uint8."""
        page = self._fine.reduce(FINE)
        draw = ImageDraw.Draw(page)
        for at, text, face, size, color, anchor in self._texts:
            draw.text((round(at[0]), round(at[1])), text, color, face.at(size), anchor=anchor)
        return np.asarray(page)
