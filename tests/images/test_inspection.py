"""What is said of an image: the quality of a JPEG, noise, blocks, and which images are pixel art."""

import io

import numpy as np
import pytest
from example_images import noisy, photograph, sprites
from PIL import Image, ImageFilter

from fasrgan_hub.images.decoded import DecodedImage
from fasrgan_hub.images.inspection import (
    Inspection,
    blockiness,
    inspect,
    jpeg_quality,
    pixel_art_factor,
    sharpness,
)
from fasrgan_hub.images.reading import read_image

PHOTOS = ["astronaut", "cat", "coffee"]


def encoded(pixels: np.ndarray, kind: str, **options) -> DecodedImage:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    file.seek(0)
    return read_image(file)


@pytest.mark.parametrize("quality", [30, 50, 75, 90, 95, 100])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_quality_of_a_jpeg_is_read_from_its_tables(quality, mode):
    pixels = np.asarray(Image.fromarray(photograph("cat")).convert(mode))
    found = inspect(encoded(pixels, "JPEG", quality=quality))
    assert found.codec == "JPEG" and abs((found.quality or 0) - quality) <= 1 and not found.pixel_art


def test_other_files_have_no_quality():
    assert jpeg_quality({}) is None
    for kind, codec in (("PNG", None), ("BMP", None), ("WEBP", "WEBP")):
        found = inspect(encoded(photograph("cat"), kind))
        assert (found.codec, found.quality) == (codec, None)


@pytest.mark.parametrize("level", [5, 15, 25])
@pytest.mark.parametrize("name", PHOTOS)
def test_the_level_of_noise_is_known_within_a_fifth(name, level):
    pixels = noisy(photograph(name), level)
    assert inspect(DecodedImage(pixels)).noise == pytest.approx(level, rel=0.2)
    wide = pixels.astype(np.uint16) * 257
    assert inspect(DecodedImage(wide)).noise == pytest.approx(level, rel=0.2)


@pytest.mark.parametrize("level", [5, 15, 25])
def test_noise_in_gray_images(level):
    gray = np.asarray(Image.fromarray(photograph("astronaut")).convert("L"))[:, :, None]
    assert inspect(DecodedImage(noisy(gray, level))).noise == pytest.approx(level, rel=0.2)


@pytest.mark.parametrize("name", PHOTOS)
def test_clean_photographs_seem_clean(name):
    found = inspect(DecodedImage(photograph(name)))
    assert found.noise < 3 and found.blockiness < 0.1 and not found.pixel_art and found.codec is None


@pytest.mark.parametrize("name", PHOTOS)
def test_a_blurred_photograph_is_less_sharp(name):
    image = Image.fromarray(photograph(name))
    levels = [
        sharpness(np.asarray(image.filter(ImageFilter.GaussianBlur(radius)).convert("L"), np.float32))
        for radius in (0, 0.7, 1.5)
    ]
    assert levels[0] > 1.05 > levels[1] > levels[2] > 0


@pytest.mark.parametrize("name", PHOTOS)
def test_blocks_stay_visible_when_a_jpeg_becomes_a_png(name):
    pixels = photograph(name)
    levels = [blockiness(encoded(pixels, "JPEG", quality=q).pixels.mean(axis=2)) for q in (90, 60, 30)]
    assert blockiness(pixels.mean(axis=2)) < levels[0] < levels[1] < levels[2] and levels[1] > 0.3


@pytest.mark.parametrize("shape", [(1, 1, 3), (9, 2, 4), (3, 30, 1), (17, 17, 2)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_tiny_images_of_every_kind_can_be_looked_at(shape, dtype):
    found = inspect(DecodedImage(np.ones(shape, dtype)))
    assert found == Inspection(None, None, 0.0, 0.0, 0.0, 0)


@pytest.mark.parametrize("factor", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(4))
def test_pixel_art_is_recognized_however_much_it_was_enlarged(factor, seed):
    art = sprites(seed=seed).repeat(factor, axis=0).repeat(factor, axis=1)
    assert pixel_art_factor(art) == factor
    cut = art[factor // 2 :, 1 if factor > 1 else 0 :]  # not at a border of its squares
    assert pixel_art_factor(cut) == factor
    alpha = np.dstack((art, np.where((art == art[0, 0]).all(axis=2), 0, 255).astype(np.uint8)))
    assert pixel_art_factor(alpha) == factor


@pytest.mark.parametrize("colors", [64, 256, None])
@pytest.mark.parametrize("name", PHOTOS)
def test_photographs_are_no_pixel_art(name, colors):
    image = Image.fromarray(photograph(name))
    if colors:  # as in a GIF, also dithered
        palette = image.quantize(colors)
        for dither in Image.Dither.NONE, Image.Dither.FLOYDSTEINBERG:
            assert not pixel_art_factor(
                np.asarray(image.quantize(palette=palette, dither=dither).convert("RGB"))
            )
    assert not pixel_art_factor(np.asarray(image))
    mosaic = np.asarray(image.resize((80, 60))).repeat(4, axis=0).repeat(4, axis=1)
    assert not pixel_art_factor(mosaic)


@pytest.fixture(scope="module")
def pages() -> list[np.ndarray]:
    from fasrgan_hub.data.rendering.fonts import find_faces
    from fasrgan_hub.data.rendering.pages import draw_page

    faces = [face for face in find_faces("") if not face.path]  # Pillow's own, the same on every machine
    return [draw_page(3, number, faces) for number in range(12)]


def test_pages_with_text_and_drawings_are_no_pixel_art(pages):
    for page in pages:
        for part in (page, page[100:356, 200:520], page[400:592, 300:500]):
            assert not pixel_art_factor(part)
            assert not pixel_art_factor(np.asarray(Image.fromarray(part).quantize(64).convert("RGB")))
            black = np.where(part.mean(axis=2) > 128, 255, 0).astype(np.uint8)[:, :, None]
            assert not pixel_art_factor(black)  # a scan, or line art, without antialiasing
            assert not pixel_art_factor(part.repeat(2, axis=0).repeat(2, axis=1))


def test_pages_have_no_noise(pages):
    assert max(inspect(DecodedImage(page)).noise for page in pages) < 1
