"""PNG files of 16 bits a channel."""

from pathlib import Path

import numpy as np
import pytest
from conftest import noise
from packing import png
from PIL import Image, ImageOps

from fasrgan_hub.images.decoded import DecodedImage
from fasrgan_hub.images.reading import read_image
from fasrgan_hub.images.writing import save_image


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_gray_survives(tmp_path: Path, suffix: str) -> None:
    image = DecodedImage(noise(1, np.uint16))
    save_image(image, tmp_path / f"a{suffix}")
    back = read_image(tmp_path / f"a{suffix}")
    assert back.mode == "I;16" and back.pixels.dtype == np.uint16
    np.testing.assert_array_equal(back.pixels, image.pixels)


def png_of_16_bits(pixels: np.ndarray, *chunks: bytes, interlaced: bool = False) -> bytes:
    """A PNG of 16 bits a channel, straight from the specification."""
    height, width, channels = pixels.shape

    def rows(part: np.ndarray) -> bytes:
        return b"".join(b"\0" + row.astype(">u2").tobytes() for row in part) if part.size else b""

    if interlaced:
        passes = (
            (0, 0, 8, 8),
            (0, 4, 8, 8),
            (4, 0, 8, 4),
            (0, 2, 4, 4),
            (2, 0, 4, 2),
            (0, 1, 2, 2),
            (1, 0, 2, 1),
        )
        data = b"".join(rows(pixels[top::down, left::across]) for top, left, down, across in passes)
    else:
        data = rows(pixels)

    return png(
        width, height, data, *chunks, bits=16, kind={1: 0, 2: 4, 3: 2, 4: 6}[channels], interlaced=interlaced
    )


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_one_of_16_bits_of_a_png_is_read(tmp_path: Path, channels: int, interlaced: bool) -> None:
    pixels = noise(channels, np.uint16)
    (tmp_path / "a.png").write_bytes(png_of_16_bits(pixels, interlaced=interlaced))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, pixels)


def test_a_transparent_color_of_16_bits(tmp_path: Path) -> None:
    for channels in (1, 3):
        pixels = noise(channels, np.uint16)
        key = pixels[2, 3]
        pixels[4, 4] = key
        pixels[5, 5] = key ^ 1  # differs in the low byte only
        (tmp_path / "a.png").write_bytes(png_of_16_bits(pixels, b"tRNS" + key.astype(">u2").tobytes()))
        alpha = read_image(tmp_path / "a.png").pixels[:, :, -1]
        assert alpha[2, 3] == alpha[4, 4] == 0 and alpha[5, 5] == 65_535 and (alpha == 0).sum() == 2


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_of_16_bits_are_rotated_as_those_of_8(tmp_path: Path, orientation: int) -> None:
    pixels = noise(3, np.uint16)
    exif = Image.Exif()
    exif[0x0112] = orientation
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    (tmp_path / "16_bits.png").write_bytes(png_of_16_bits(pixels, b"eXIf" + block))
    Image.fromarray((pixels >> 8).astype(np.uint8)).save(tmp_path / "8_bits.png", exif=exif)
    with Image.open(tmp_path / "8_bits.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read_image(tmp_path / "8_bits.png").pixels, expected)
    np.testing.assert_array_equal(read_image(tmp_path / "16_bits.png").pixels >> 8, expected)
