"""Parts of a page that are drawn: charts, UI elements, line drawings, flat shapes, bar codes."""

import math

from .canvas import Box, Canvas, Points
from .fonts import make_word
from .writing import Hand


def draw_chart(canvas: Canvas, box: Box, hand: Hand) -> None:
    """Axes with numbers, and lines, bars or points."""
    rng, theme, face = hand.rng, canvas.theme, hand.face()
    plot = Box(box.left + 34, box.top + 10, max(20, box.width - 44), max(20, box.height - 36))
    ticks = rng.randint(3, 8)
    for number in range(ticks + 1):
        y = plot.bottom - plot.height * number / ticks
        if rng.random() < 0.7:
            canvas.line([(plot.left, y), (plot.right, y)], theme.faint)
        canvas.text((plot.left - 5, y), f"{number * rng.choice((1, 5, 0.2)):g}", face, 9, theme.ink, "rm")
        x = plot.left + plot.width * number / ticks
        canvas.text((x, plot.bottom + 5), make_word("latin", rng)[:4], face, 9, theme.ink, "ma")
    for _ in range(rng.randint(1, 4)):
        _draw_series(canvas, plot, hand)
    canvas.line(
        [(plot.left, plot.top), (plot.left, plot.bottom), (plot.right, plot.bottom)],
        theme.ink,
        rng.choice((1, 2)),
    )


def _draw_series(canvas: Canvas, plot: Box, hand: Hand) -> None:
    rng, color = hand.rng, hand.color(canvas)
    count = rng.randint(5, 40)
    level, points = rng.random(), []
    for number in range(count):
        level = min(1.0, max(0.0, level + rng.gauss(0, 0.12)))
        points.append((plot.left + plot.width * (number + 0.5) / count, plot.bottom - plot.height * level))
    kind = rng.choice(("line", "bars", "points"))
    if kind == "line":
        canvas.line(points, color, rng.choice((1, 1.5, 2, 3)))
    for x, y in points if kind != "line" else ():
        if kind == "bars":
            canvas.rectangle(Box(x, y, plot.width / count * 0.7, plot.bottom - y), color)
        else:
            canvas.ellipse(Box(x - 3, y - 3, 6, 6), color)


def draw_pie(canvas: Canvas, box: Box, hand: Hand) -> None:
    """Sectors, with words beside them."""
    rng, side, ink = hand.rng, min(box.width, box.height), canvas.theme.ink
    disk, face = Box(box.left, box.top, side, side), hand.face()
    angle = rng.uniform(0, 360)
    for number in range(rng.randint(3, 7)):
        color, end = hand.color(canvas), angle + rng.uniform(20, 90)
        canvas.pie(disk, angle, end, color)
        if box.width - side > 60 and 16 * number + 14 < box.height:
            canvas.rectangle(Box(disk.right + 8, box.top + 16 * number, 10, 10), color)
            canvas.text((disk.right + 22, box.top + 16 * number - 1), make_word("latin", rng), face, 11, ink)
        angle = end
    if rng.random() < 0.4:
        canvas.ellipse(disk.inset(side / 4), canvas.theme.paper)


def draw_window(canvas: Canvas, box: Box, hand: Hand) -> None:
    """A title bar, and rows of buttons, fields, check boxes and sliders."""
    rng, theme, face = hand.rng, canvas.theme, hand.face()
    radius, size = rng.choice((0, 4, 8, 12)), rng.choice((10, 11, 12, 13, 14))
    canvas.rectangle(box, theme.paper, theme.ink, rng.choice((1, 1, 2)), radius)
    bar = Box(box.left, box.top, box.width, 24)
    canvas.rectangle(bar, theme.faint, theme.ink, 1, radius)
    canvas.text((bar.left + 10, bar.top + 12), make_word("latin", rng).title(), face, size, theme.ink, "lm")
    for number in range(3):
        canvas.ellipse(Box(bar.right - 18 - 16 * number, bar.top + 7, 10, 10), hand.color(canvas))
    inner = Box(box.left + 10, box.top + 32, box.width - 20, max(1, box.height - 40))
    for row in inner.rows(max(1, int(inner.height / 34)), 6):
        for cell in row.columns(max(1, int(row.width / 130)), 8):
            rng.choice((_draw_button, _draw_field, _draw_check, _draw_slider))(canvas, cell, hand, size)


def _draw_button(canvas: Canvas, cell: Box, hand: Hand, size: int) -> None:
    radius = hand.rng.choice((0, 3, 6, cell.height / 2))
    canvas.rectangle(cell, hand.color(canvas), radius=radius)
    middle = (cell.left + cell.width / 2, cell.top + cell.height / 2)
    canvas.text(middle, make_word("latin", hand.rng), hand.face(), size, canvas.theme.paper, "mm")


def _draw_field(canvas: Canvas, cell: Box, hand: Hand, size: int) -> None:
    canvas.rectangle(cell, outline=canvas.theme.faint, width=hand.rng.choice((1, 2)), radius=3)
    at = (cell.left + 6, cell.top + cell.height / 2)
    canvas.text(at, make_word("latin", hand.rng), hand.face(), size, canvas.theme.ink, "lm")


def _draw_check(canvas: Canvas, cell: Box, hand: Hand, size: int) -> None:
    mark = Box(cell.left, cell.top + cell.height / 2 - 7, 14, 14)
    draw = canvas.rectangle if hand.rng.random() < 0.5 else canvas.ellipse
    draw(mark, outline=canvas.theme.ink, width=1)
    if hand.rng.random() < 0.5:
        points = [
            (mark.left + 3, mark.top + 7),
            (mark.left + 6, mark.top + 11),
            (mark.left + 12, mark.top + 3),
        ]
        canvas.line(points, hand.color(canvas), 2)
    at = (mark.right + 6, cell.top + cell.height / 2)
    canvas.text(at, make_word("latin", hand.rng), hand.face(), size, canvas.theme.ink, "lm")


def _draw_slider(canvas: Canvas, cell: Box, hand: Hand, size: int) -> None:
    y, at = cell.top + cell.height / 2, cell.left + cell.width * hand.rng.random()
    canvas.line([(cell.left, y), (cell.right, y)], canvas.theme.faint, 4)
    canvas.line([(cell.left, y), (at, y)], hand.color(canvas), 4)
    canvas.ellipse(Box(at - size / 2, y - size / 2, size, size), hand.color(canvas))


def draw_curves(canvas: Canvas, box: Box, hand: Hand) -> None:
    """Smooth strokes, as in a line drawing."""
    rng = hand.rng
    for _ in range(rng.randint(3, 12)):
        color = canvas.theme.ink if rng.random() < 0.6 else hand.color(canvas)
        canvas.line(_curve([box.point(rng) for _ in range(4)]), color, rng.choice((0.7, 1, 1.5, 2, 3, 5)))


def _curve(anchors: Points) -> Points:
    """A cubic Bezier curve."""
    points = []
    for step in range(41):
        t = step / 40
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        x, y = (sum(w * p[axis] for w, p in zip(weights, anchors, strict=True)) for axis in (0, 1))
        points.append((x, y))
    return points


def draw_hatching(canvas: Canvas, box: Box, hand: Hand) -> None:
    """Parallel lines, or rings, with gaps down to three pixels."""
    rng, color = hand.rng, canvas.theme.ink if hand.rng.random() < 0.6 else hand.color(canvas)
    step, width = rng.uniform(3, 16), rng.choice((0.7, 1, 1.5, 2))
    if rng.random() < 0.3:
        side = min(box.width, box.height)
        for number in range(int(side / 2 / step)):
            canvas.ellipse(
                Box(box.left, box.top, side, side).inset(number * step), outline=color, width=width
            )
        return
    slope = math.tan(rng.uniform(-1.2, 1.2))
    x = box.left - abs(slope) * box.height
    while x < box.right + abs(slope) * box.height:
        ends = [(x, box.top), (x + slope * box.height, box.bottom)]
        if all(box.left <= end[0] <= box.right for end in ends):
            canvas.line(ends, color, width)
        x += step


def draw_shapes(canvas: Canvas, box: Box, hand: Hand) -> None:
    """Flat polygons, ellipses and slopes of color, some with outlines, as in comics and logos."""
    rng = hand.rng
    if rng.random() < 0.3:
        canvas.gradient(box, hand.color(canvas), hand.color(canvas), rng)
    for _ in range(rng.randint(2, 8)):
        center, radius = box.point(rng), rng.uniform(0.05, 0.3) * min(box.width, box.height)
        if rng.random() < 0.4:
            disk = Box(center[0] - radius, center[1] - radius * rng.uniform(0.4, 1), 2 * radius, 2 * radius)
            canvas.ellipse(disk, hand.color(canvas), canvas.theme.ink, rng.choice((1, 2, 3)))
            continue
        corners, turn, inner = rng.randint(3, 9), rng.uniform(0, 6.3), rng.choice((1, 1, 0.4, 0.6))
        points = []
        for number in range(2 * corners):
            reach, angle = radius * (inner if number % 2 else 1), turn + math.pi * number / corners
            points.append((center[0] + reach * math.cos(angle), center[1] + reach * math.sin(angle)))
        canvas.polygon(points, hand.color(canvas))
        if rng.random() < 0.5:
            canvas.line([*points, points[0]], canvas.theme.ink, rng.choice((1, 2, 3)))


def draw_blocks(canvas: Canvas, box: Box, hand: Hand) -> None:
    """A bar code, or a square of blocks."""
    rng, unit = hand.rng, hand.rng.randint(1, 6)
    if rng.random() < 0.5:
        x = box.left
        while x < box.right - 4 * unit:
            wide = unit * rng.randint(1, 4)
            canvas.rectangle(Box(x, box.top, wide, box.height), canvas.theme.ink)
            x += wide + unit * rng.randint(1, 4)
        return
    count = int(min(box.width, box.height) / (2 * unit))
    for row in range(count):
        for column in range(count):
            if rng.random() < 0.5:
                cell = Box(box.left + column * 2 * unit, box.top + row * 2 * unit, 2 * unit, 2 * unit)
                canvas.rectangle(cell, canvas.theme.ink)
