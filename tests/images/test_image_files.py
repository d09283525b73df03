"""Image files in and out: modes, formats, and what is refused."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import SRGB, noise
from packing import png
from PIL import Image

from fasrgan_hub.errors import UserError
from fasrgan_hub.images.decoded import DecodedImage, to_image
from fasrgan_hub.images.reading import MEGAPIXELS_VARIABLE, from_image, read_image
from fasrgan_hub.images.writing import save_image


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".webp"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_writing_is_lossless_and_keeps_what_the_file_says(tmp_path: Path, suffix: str, channels: int) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    image = DecodedImage(noise(channels), SRGB if channels > 2 else None, exif.tobytes(), (300.0, 150.0))
    path = tmp_path / f"image{suffix}"
    save_image(image, path)
    back = read_image(path)
    if suffix == ".webp" and channels < 3:
        colors = {1: [0, 0, 0], 2: [0, 0, 0, 1]}[channels]
        image.pixels = image.pixels[:, :, colors]
    np.testing.assert_array_equal(back.pixels, image.pixels)
    assert back.icc == image.icc
    assert back.exif is not None
    found = Image.Exif()
    found.load(back.exif)
    assert found[0x010F] == "Maker" and found.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05"
    assert suffix == ".webp" or back.dpi == pytest.approx((300, 150), abs=0.02)


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG"])
def test_jpeg_has_full_chroma(tmp_path: Path, suffix: str) -> None:
    save_image(DecodedImage(noise(3)), tmp_path / f"photo{suffix}")
    with Image.open(tmp_path / f"photo{suffix}") as image:
        assert image.format == "JPEG"
        assert {(across, down) for _, across, down, _ in image.layer} == {(1, 1)}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("mode", "becomes"),
    [
        ("1", "L"),
        ("L", "L"),
        ("LA", "LA"),
        ("P", "RGB"),
        ("PA", "RGBA"),
        ("RGB", "RGB"),
        ("RGBA", "RGBA"),
        ("CMYK", "RGB"),
        ("YCbCr", "RGB"),
        ("I;16", "I;16"),
        ("I;16B", "I;16"),
        ("I", "I;16"),
    ],
)
def test_every_mode_of_pillow_finds_its_family(mode: str, becomes: str) -> None:
    pil_image = Image.new(mode, (5, 3))
    image = from_image(pil_image)
    assert image.mode == becomes and image.size == (5, 3)
    assert to_image(image).mode == becomes


def test_the_values_of_converted_modes(tmp_path: Path) -> None:
    bits = Image.fromarray(noise(1)[:, :, 0] > 127)
    assert set(np.unique(from_image(bits).pixels)) == {0, 255}
    red = Image.new("CMYK", (2, 2), (0, 255, 255, 0))
    assert from_image(red).pixels[0, 0].tolist() == [255, 0, 0]
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.putpixel((1, 0), 1)
    palette.save(tmp_path / "palette.png", transparency=1)
    assert read_image(tmp_path / "palette.png").pixels.tolist() == [[[10, 20, 30, 255], [200, 100, 50, 0]]]
    gray = Image.new("L", (2, 1), 7)
    gray.save(tmp_path / "key.png", transparency=7)
    assert read_image(tmp_path / "key.png").pixels.tolist() == [[[7, 0], [7, 0]]]
    image = Image.fromarray(np.array([[1, 65_535]], np.uint16))
    assert from_image(image).pixels.ravel().tolist() == [1, 65_535]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.png", b"just words\n", "not an image"),
        ("empty.png", b"", "not an image"),
        ("bomb.png", png(60_000, 60_000, bytes(100)), "more than 100 megapixels"),
        ("little.png", png(100, 100, bytes(100)), "damaged"),
    ],
)
def test_what_is_no_image_is_told_in_one_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserError, match=message) as caught:
            read_image(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".gif", ".bmp"])
def test_a_cut_off_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut{suffix}"
    Image.fromarray(noise(3, height=64, width=64)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=f"cut{suffix}"):
        read_image(path)


def test_missing_files_and_folders_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(UserError, match="directory"):
        read_image(tmp_path)


def test_the_pixel_limit_can_be_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_image(DecodedImage(noise(1, height=100, width=100)), tmp_path / "a.png")
    before = Image.MAX_IMAGE_PIXELS
    with pytest.raises(UserError, match=r"more than 0.0099 megapixels"):
        read_image(tmp_path / "a.png", max_megapixels=0.0099)
    monkeypatch.setenv(MEGAPIXELS_VARIABLE, "0.0099")
    with pytest.raises(UserError, match=MEGAPIXELS_VARIABLE):
        read_image(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", max_megapixels=0.01).size == (100, 100)
    for wrong in ("many", "-1", "nan", "inf"):
        monkeypatch.setenv(MEGAPIXELS_VARIABLE, wrong)
        with pytest.raises(UserError, match="number above 0"):
            read_image(tmp_path / "a.png")
    assert before == Image.MAX_IMAGE_PIXELS


def test_animations_are_refused_rather_than_cut_to_one_frame(tmp_path: Path) -> None:
    frames = [Image.new("L", (4, 4), value) for value in (0, 99)]
    for suffix in ("gif", "png", "webp", "tif"):
        path = tmp_path / f"moving.{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        with pytest.raises(UserError, match="2 frames"):
            read_image(path)
        with Image.open(path) as image:
            with pytest.raises(UserError, match=rf"moving\.{suffix}' holds 2 frames"):
                from_image(image)
            image.seek(1)
            assert from_image(image.copy()).pixels.min() == from_image(image.copy()).pixels.max() > 90


@pytest.mark.parametrize(
    ("pixels", "name", "message"),
    [
        (noise(4), "a.jpg", "transparency"),
        (noise(2), "a.jpg", "transparency"),
        (noise(1, np.uint16), "a.webp", "16 bits"),
        (noise(1, np.uint16), "a.jpg", "16 bits"),
        (noise(3, np.uint16), "a.webp", "16 bits"),
        (noise(3, width=16_384), "a.webp", "16383 pixels"),
        (noise(3), "a.bmp", "end in .png"),
        (noise(3), "a", "end in .png"),
    ],
)
def test_a_format_that_cannot_hold_the_image_is_refused(
    tmp_path: Path, pixels: np.ndarray, name: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        save_image(DecodedImage(pixels), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".avif", ".heic", ".jxl"])
@pytest.mark.parametrize("channels", [3, 4])
def test_the_newer_formats(tmp_path: Path, suffix: str, channels: int) -> None:
    pytest.importorskip({".heic": "pillow_heif", ".jxl": "pillow_jxl"}.get(suffix, "PIL"))
    y, x = np.mgrid[:64, :96]
    pixels = np.stack([x * 2, y * 3, x + y, 255 - x], axis=-1)[:, :, :channels].astype(np.uint8)
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    save_image(DecodedImage(pixels, exif=exif.tobytes()), tmp_path / f"a{suffix}")
    back = read_image(tmp_path / f"a{suffix}")
    assert np.abs(back.pixels.astype(int) - pixels).max() <= (0 if suffix == ".jxl" else 6)
    found = Image.Exif()
    found.load(back.exif or b"")
    assert found[0x010F] == "Maker"


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"\0\0\0\x18ftypheic", "HEIC"), (b"\xff\x0a", "JPEG XL"), (b"\0\0\0\x0cJXL ", "JPEG XL")],
)
def test_a_plug_in_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, kind: str
) -> None:
    for module in ("pillow_heif", "pillow_jxl"):
        monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "a.bin").write_bytes(content + bytes(50))
    with pytest.raises(UserError, match=f"a.bin' is {kind}, .* pip install 'fasrgan-hub\\[formats\\]'"):
        read_image(tmp_path / "a.bin")
