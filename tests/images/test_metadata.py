"""What a file says beside its pixels goes along."""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from conftest import SRGB, noise
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from fasrgan_hub.errors import UserError
from fasrgan_hub.images.decoded import DecodedImage, to_image
from fasrgan_hub.images.reading import read_image
from fasrgan_hub.images.writing import open_writer, save_image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_orientation_is_applied_once(tmp_path: Path, orientation: int, suffix: str) -> None:
    upright = np.kron(np.arange(0, 240, 40, dtype=np.uint8).reshape(3, 2), np.ones((16, 16), np.uint8))
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.T,
        6: lambda a: np.rot90(a),
        7: lambda a: a[::-1, ::-1].T,
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    stored = Image.fromarray(np.ascontiguousarray(undo(upright))).convert("RGB")
    stored.save(tmp_path / f"turned{suffix}", exif=exif, quality=100)
    image = read_image(tmp_path / f"turned{suffix}")
    assert image.size == (32, 48)
    assert np.abs(image.pixels[:, :, 0].astype(int) - upright).max() <= 3
    save_image(image, tmp_path / "again.png")
    with Image.open(tmp_path / "again.png") as again:
        assert again.getexif().get(0x0112, 1) == 1 and again.getexif()[0x010F] == "Maker"
        assert again.size == (32, 48)


def test_sizes_in_the_exif_block_do_not_outlive_the_old_size(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0100] = 99
    exif.get_ifd(0x8769).update({0xA002: 99, 0xA003: 99, 0x9003: "2026:01:02 03:04:05"})
    Image.new("RGB", (4, 4)).save(tmp_path / "old.jpg", exif=exif)
    kept = Image.Exif()
    kept.load(read_image(tmp_path / "old.jpg").exif or b"")
    assert 0x0100 not in kept
    assert dict(kept.get_ifd(0x8769)) == {0x9003: "2026:01:02 03:04:05"}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_directories_inside_of_exif_go_along_and_are_none_outside_of_it(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0xA005] = 8  # where the directory of interoperability lies; this is no place to say it
    exif.get_ifd(0x8769).update({0x9003: "2026:01:02 03:04:05", 0xA005: {1: "R98"}})
    Image.new("RGB", (4, 4)).save(tmp_path / "old.jpg", exif=exif)
    save_image(read_image(tmp_path / "old.jpg"), tmp_path / f"new{suffix}")
    kept = Image.Exif()
    kept.load(read_image(tmp_path / f"new{suffix}").exif or b"")
    assert 0xA005 not in kept
    assert kept.get_ifd(0x8769)[0x9003] == "2026:01:02 03:04:05" and kept.get_ifd(0xA005) == {1: "R98"}


def test_a_damaged_exif_block_does_not_cost_the_image(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), "red").save(tmp_path / "odd.png", exif=b"Exif\0\0no such thing at all")
    assert read_image(tmp_path / "odd.png").exif is None


def test_cmyk_goes_through_its_profile_only_if_that_fits(tmp_path: Path) -> None:
    Image.new("CMYK", (2, 2), (0, 255, 255, 0)).save(tmp_path / "a.jpg", icc_profile=SRGB, quality=100)
    image = read_image(tmp_path / "a.jpg")
    assert image.icc is None and np.abs(image.pixels[0, 0].astype(int) - [255, 0, 0]).max() <= 3


def test_metadata_that_does_not_fit_is_told(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    with pytest.raises(UserError, match=r"a\.jpg"):
        save_image(DecodedImage(noise(3), exif=exif.tobytes()), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []


def test_a_pillow_image_carries_its_metadata_on(tmp_path: Path) -> None:
    buffer = BytesIO()
    to_image(DecodedImage(noise(3), icc=SRGB)).save(buffer, "PNG")
    with Image.open(buffer) as image:
        assert image.info["icc_profile"] == SRGB


def test_xmp_and_texts_and_gamma_go_along(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("Title", "plain")
    info.add_itxt("Author", "日本")
    info.add_itxt("XML:com.adobe.xmp", '<rdf tiff:Orientation="6" dc:title="x"/>')
    info.add(b"gAMA", struct.pack(">I", 100_000))
    info.add(b"cHRM", struct.pack(">8I", *range(10_000, 90_000, 10_000)))
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", pnginfo=info, dpi=(300, 150))
    image = read_image(tmp_path / "a.png")
    save_image(image, tmp_path / "b.png")
    for known in (image, read_image(tmp_path / "b.png")):
        assert known.text == {"Title": "plain", "Author": "日本"}
        assert known.xmp == b'<rdf  dc:title="x"/>'
        assert known.color["gamma"] == 1 and known.color["chromaticity"][7] == 0.8
        assert known.dpi == pytest.approx((150, 300), abs=0.02)  # turned, as XMP told


def test_a_comment_moves_between_formats(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.jpg", comment="made by hand")
    save_image(read_image(tmp_path / "a.jpg"), tmp_path / "b.png")
    save_image(read_image(tmp_path / "b.png"), tmp_path / "c.jpg")
    assert read_image(tmp_path / "c.jpg").text == {"Comment": "made by hand"}


CAPTIONS = {
    '{"shape": [4, 6, 3]}': False,
    '{"shape": [4, 6, 3], "axes": "YXS"}': False,
    "shape=(4, 6, 3)": False,
    "ImageJ=1.11a\nimages=1\nhyperstack=true": False,
    '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image/></OME>': False,
    "A cat": True,
    '{"title": "a cat"}': True,
    "{a cat}": True,
    "<b>OME</b>": True,
}


@pytest.mark.parametrize("caption", CAPTIONS)
@pytest.mark.parametrize("floats", [False, True])
def test_a_tiffs_record_of_its_shape_is_dropped_and_a_caption_stays(
    tmp_path: Path, caption: str, floats: bool
) -> None:
    """Otherwise programs would read the enlarged image with the shape of the small one."""
    tifffile = pytest.importorskip("tifffile")
    pixels = np.zeros((4, 6, 3), np.float32 if floats else np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb", description=caption, metadata=None)
    image = read_image(tmp_path / "a.tif")
    with open_writer(tmp_path / "b.tif", image, (24, 16)) as writer:
        writer.write(np.zeros((16, 24, 3), image.pixels.dtype))
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        assert tiff.pages[0].description == (caption if CAPTIONS[caption] else "")
        assert tiff.asarray().shape == (16, 24, 3)


def test_a_profile_that_does_not_fit_the_pixels_is_left_out(tmp_path: Path) -> None:
    gray = SRGB[:16] + b"GRAY" + SRGB[20:]
    for profile, mode, kept in (
        (SRGB, "RGB", True),
        (SRGB, "L", False),
        (gray, "L", True),
        (b"junk" * 40, "RGB", False),
    ):
        Image.new(mode, (4, 4)).save(tmp_path / "a.png", icc_profile=profile)
        assert (read_image(tmp_path / "a.png").icc == profile) == kept


def test_the_resolution_turns_with_the_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 4)).save(tmp_path / "a.png", exif=exif, dpi=(300, 150))
    image = read_image(tmp_path / "a.png")
    assert image.size == (4, 8) and image.dpi == pytest.approx((150, 300), abs=0.02)
