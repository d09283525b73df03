"""Rendered pages: the same every time, letters of several scripts, smooth edges; Pillow's own font is enough."""

import io
import random

import numpy as np
import pytest
from PIL import Image

from fasrgan_hub.data.rendering import fonts
from fasrgan_hub.data.rendering.canvas import Box, Canvas, Theme
from fasrgan_hub.data.rendering.fonts import SCRIPTS, find_faces, fit_text, make_text
from fasrgan_hub.data.rendering.pages import PARTS, draw_page
from fasrgan_hub.data.rendering.source import COUNT, list_pages
from fasrgan_hub.data.rendering.writing import Hand
from fasrgan_hub.errors import UserError

THEME = Theme((255, 255, 255), (0, 0, 0), (200, 200, 200), ((200, 0, 0), (0, 120, 0)))


def test_pages_are_the_same_every_time_and_differ_from_one_another():
    faces = find_faces()
    first = draw_page(0, 3, faces, 320)
    assert first.shape == (320, 320, 3) and first.dtype == np.uint8
    assert np.array_equal(first, draw_page(0, 3, faces, 320))
    assert not np.array_equal(first, draw_page(0, 4, faces, 320))
    assert not np.array_equal(first, draw_page(1, 3, faces, 320))


def test_pillows_own_font_is_enough(monkeypatch):
    monkeypatch.setattr(fonts, "_paths", lambda folder: iter(()))
    faces = find_faces.__wrapped__()
    assert [face.path for face in faces] == [""] and "latin" in faces[0].scripts
    assert draw_page(0, 0, faces, 320).std() > 10


def test_fonts_have_the_scripts_that_they_claim(tmp_path):
    """DejaVu Sans is part of matplotlib: Greek and Cyrillic, no Chinese."""
    (dejavu,) = (face for face in find_faces() if face.path.endswith("ttf/DejaVuSans.ttf"))
    assert {"latin", "accented", "greek", "cyrillic", "hebrew"} <= set(dejavu.scripts)
    assert not {"han", "hangul", "thai"} & set(dejavu.scripts)
    assert not dejavu.fixed_width
    assert any(face.fixed_width for face in find_faces() if "Mono" in face.path)
    assert not any("cmex10" in face.path for face in find_faces()), "a font of mathematical signs has no text"
    with pytest.raises(UserError, match=r"there are no fonts in .* \(\.ttf, \.otf\)"):
        find_faces(str(tmp_path))


@pytest.mark.parametrize("script", SCRIPTS)
def test_words_are_of_their_script(script):
    rng = random.Random(0)
    letters = {letter for letter in make_text(script, 40, rng) if letter.isalpha()}
    assert letters <= set(SCRIPTS[script]) | set(SCRIPTS[script].upper()) and len(letters) > 8


def test_text_is_cut_where_its_box_ends():
    font = find_faces()[0].at(20)
    assert fit_text("long words here", font, 60) in "long words here"
    assert 0 < font.getlength(fit_text("long words here", font, 60)) <= 60


@pytest.mark.parametrize("hinted", [False, True])
@pytest.mark.parametrize(("draw", "weight"), PARTS)
def test_every_part_draws_something_and_takes_any_box(draw, weight, hinted):
    marked = 0
    for seed, box in enumerate(
        [Box(10, 10, 180, 180), Box(10, 10, 180, 60), Box(10, 10, 50, 180), Box(9, 9, 3, 3)]
    ):
        canvas = Canvas(200, THEME, hinted)
        draw(canvas, box, Hand(list(find_faces()[:1]), random.Random(seed)))
        marked += (canvas.finish() != 255).any()
    assert weight > 0 and marked >= 2


def test_shapes_have_smooth_edges():
    """The area of a disk is right to a pixel or so, and its edge has grays."""
    canvas = Canvas(64, THEME, True)
    canvas.ellipse(Box(10.5, 10.5, 41, 41), (0, 0, 0))
    page = canvas.finish()[..., 0]
    assert (255 - page.astype(float)).sum() / 255 == pytest.approx(np.pi * 20.5**2, rel=0.02)
    assert len(np.unique(page)) > 5


def test_a_source_of_pages():
    assert len(list_pages("")) == COUNT
    page, *rest = list_pages("3")
    (row,) = page.rows()
    assert row["name"] == "page-000000" and len(rest) == 2
    pixels = np.asarray(Image.open(io.BytesIO(row["read"]())))
    assert np.array_equal(pixels, draw_page(0, 0, find_faces()))
    for options in ("0", "many", "-1", "5,/no/such/folder"):
        with pytest.raises(UserError):
            list_pages(options)
