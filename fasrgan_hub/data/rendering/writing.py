"""Parts of a page that are mostly text: paragraphs, headings, tables, code, posters."""

import random
from dataclasses import dataclass

from .canvas import Box, Canvas, Color
from .fonts import Face, fit_text, make_text, make_word


@dataclass(frozen=True)
class Hand:
    """What a part of a page is drawn with: fonts, and the source of all choices."""

    faces: list[Face]
    rng: random.Random

    def face(self) -> Face:
        return self.rng.choice(self.faces)

    def script(self, face: Face) -> str:
        """Latin as often as all other scripts that the face has."""
        others = [script for script in face.scripts if script != "latin"]
        return "latin" if not others or self.rng.random() < 0.5 else self.rng.choice(others)

    def color(self, canvas: Canvas) -> Color:
        return self.rng.choice(canvas.theme.accents)


def write_paragraph(canvas: Canvas, box: Box, hand: Hand, size: int = 0) -> None:
    """Lines of words that fill a box."""
    rng, face = hand.rng, hand.face()
    size = size or rng.choice((8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 24))
    script, font = hand.script(face), face.at(size)
    color = canvas.theme.ink if rng.random() < 0.8 else hand.color(canvas)
    step = size * rng.uniform(1.15, 1.7)
    y = box.top
    while y + step <= box.bottom:
        line = fit_text(make_text(script, rng.randint(2, 24), rng), font, box.width)
        canvas.text((box.left, y), line, face, size, color)
        y += step


def write_heading(canvas: Canvas, box: Box, hand: Hand) -> None:
    """A large line, a rule, and a paragraph."""
    rng, face = hand.rng, hand.face()
    size = rng.choice((20, 24, 28, 32, 40, 48, 64))
    text = fit_text(make_text(hand.script(face), 3, rng), face.at(size), box.width)
    canvas.text((box.left, box.top), text, face, size, hand.color(canvas))
    y = box.top + size * 1.4
    if rng.random() < 0.5:
        canvas.line([(box.left, y), (box.right, y)], canvas.theme.faint, rng.choice((1, 2)))
    rest = Box(box.left, y + 8, box.width, box.bottom - y - 8)
    if rest.height > 20:
        write_paragraph(canvas, rest, hand)


def write_table(canvas: Canvas, box: Box, hand: Hand) -> None:
    """Cells with words and numbers, ruled or striped."""
    rng, face, theme = hand.rng, hand.face(), canvas.theme
    size = rng.choice((8, 9, 10, 11, 12, 14))
    rows = box.rows(max(2, int(box.height / (size * rng.uniform(1.5, 2.4)))))
    count = max(2, int(box.width / (size * rng.uniform(5, 10))))
    ruled, striped = rng.random() < 0.5, rng.random() < 0.5
    for number, row in enumerate(rows):
        if not number or (striped and number % 2):
            canvas.rectangle(row, theme.faint)
        for cell in row.columns(count):
            if ruled:
                canvas.rectangle(cell, outline=theme.ink, width=1)
            text = (
                make_word("latin", rng)
                if rng.random() < 0.4
                else f"{rng.uniform(-99, 999):.{rng.randint(0, 3)}f}"
            )
            canvas.text((cell.left + 4, cell.top + cell.height / 2), text, face, size, theme.ink, "lm")


def write_code(canvas: Canvas, box: Box, hand: Hand) -> None:
    """Indented lines of a fixed-width font in several colors."""
    rng, theme = hand.rng, canvas.theme
    face = rng.choice([face for face in hand.faces if face.fixed_width] or hand.faces)
    size = rng.choice((9, 10, 11, 12, 13, 14, 16))
    wide = face.at(size).getlength("M")
    y, depth = box.top, 0
    while y + size * 1.4 <= box.bottom:
        x = box.left + depth * 4 * wide
        for _ in range(rng.randint(1, 6)):
            mark = rng.choice(("", "", "()", ":", " =", "[0]", " {", "};", "->", "'x'", "//", "_", "0x1F"))
            word = make_word("latin", rng).lower() + mark
            if x + len(word) * wide > box.right:
                break
            canvas.text((x, y), word, face, size, rng.choice((theme.ink, *theme.accents)))
            x += (len(word) + 1) * wide
        depth = max(0, min(4, depth + rng.choice((-1, 0, 0, 1))))
        y += size * 1.4


def write_poster(canvas: Canvas, box: Box, hand: Hand) -> None:
    """Few large letters on a colored ground."""
    rng, face = hand.rng, hand.face()
    canvas.rectangle(box, hand.color(canvas), radius=rng.choice((0, 0, 8, 20)))
    size = int(rng.uniform(0.25, 0.8) * min(box.height, box.width))
    if size >= 8:
        text = fit_text(make_word(hand.script(face), rng), face.at(size), box.width)
        middle = (box.left + box.width / 2, box.top + box.height / 2)
        canvas.text(middle, text, face, size, rng.choice((canvas.theme.paper, canvas.theme.ink)), "mm")
