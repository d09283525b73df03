"""JPEG files that are written in strips are the files that Pillow would write."""

import tracemalloc
import weakref
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from conftest import SRGB, photo
from PIL import Image

from fasrgan_hub.images.decoded import DecodedImage
from fasrgan_hub.images.jpeg import STRIP, JpegWriter
from fasrgan_hub.images.reading import read_image
from fasrgan_hub.images.writing import open_writer, save_image


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [30, 95])
@pytest.mark.parametrize(
    "size", [(1, 1), (STRIP, 8), (STRIP + 1, 9), (2 * STRIP - 1, 70), (5 * STRIP + 20, 131)]
)
def test_the_pixels_are_those_of_the_whole_image(size: tuple[int, int], quality: int, channels: int) -> None:
    pixels = photo(*size)[:, :, :channels]
    file, whole = BytesIO(), BytesIO()
    writer = JpegWriter(file, size[0], quality, {})
    for top in range(0, size[0], 13):
        writer.write(pixels[top : top + 13])
    writer.close()
    Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels).save(
        whole, "JPEG", quality=quality, subsampling=0
    )
    with Image.open(file) as image, Image.open(whole) as expected:
        assert image.mode == expected.mode
        np.testing.assert_array_equal(image, expected)
    assert len(file.getvalue()) < len(whole.getvalue()) + 100 + 20 * (size[0] // 8)


def test_metadata_stands_once_and_is_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    image = DecodedImage(
        photo(3 * STRIP, 40), SRGB, exif.tobytes(), (300, 150), b"<x/>", {"Comment": "by hand"}
    )
    save_image(image, tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    assert content.count(b"Maker") == content.count(b"by hand") == content.count(b"acsp") == 1
    back = read_image(tmp_path / "a.jpg")
    assert (back.icc, back.dpi, back.xmp, back.text) == (SRGB, (300, 150), b"<x/>", {"Comment": "by hand"})


def test_a_band_is_gone_before_the_next_is_made(tmp_path: Path) -> None:
    """Rows that are still referred to would keep their band, and memory would hold two."""
    last: list[weakref.ref] = []

    def bands() -> Iterator[np.ndarray]:
        for _ in range(3):
            assert not last or last[-1]() is None
            band = np.zeros((STRIP + 3, 40, 3), np.uint8)
            last.append(weakref.ref(band))
            yield band
            del band

    like = DecodedImage(np.zeros((1, 1, 3), np.uint8))
    for suffix in (".png", ".tif", ".jpg", ".webp"):
        last.clear()
        with open_writer(tmp_path / f"a{suffix}", like, (40, 3 * (STRIP + 3))) as writer:
            for band in bands():
                writer.write(band)
                del band
        assert len(last) == 3


def test_memory_holds_a_band_and_not_the_image(tmp_path: Path) -> None:
    band = np.random.default_rng(0).integers(0, 256, (64, 2000, 3), np.uint8)
    with (tmp_path / "large.jpg").open("wb") as file:
        tracemalloc.start()
        writer = JpegWriter(file, 64 * 60, 95, {})
        for _ in range(60):
            writer.write(band.copy())
        writer.close()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (tmp_path / "large.jpg").stat().st_size > 20 * band.nbytes
    assert peak < 10 * band.nbytes
