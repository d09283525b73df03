import lzma
import struct
import sys
import tracemalloc
import warnings
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from fasrgan_hub.errors import UserError
from fasrgan_hub.images.decoded import DecodedImage, to_image
from fasrgan_hub.images.reading import MEGAPIXELS_VARIABLE, from_image, read_image
from fasrgan_hub.images.writing import open_writer, save_image

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(channels: int, dtype: type = np.uint8, height: int = 9, width: int = 14) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(channels).integers(0, top, (height, width, channels), dtype, endpoint=True)


def png_header(width: int, height: int) -> bytes:
    """A PNG file that says how large it is and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )


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


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bit_gray_survives(tmp_path: Path, suffix: str) -> None:
    image = DecodedImage(noise(1, np.uint16))
    save_image(image, tmp_path / f"a{suffix}")
    back = read_image(tmp_path / f"a{suffix}")
    assert back.mode == "I;16" and back.pixels.dtype == np.uint16
    np.testing.assert_array_equal(back.pixels, image.pixels)


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


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text.png", b"just words\n", "not an image"),
        ("empty.png", b"", "not an image"),
        ("bomb.png", png_header(60_000, 60_000), "more than 100 megapixels"),
        ("little.png", png_header(100, 100), "damaged"),
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

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, interlaced)
    extra = b"".join(chunk(part[:4], part[4:]) for part in chunks)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(data))
        + chunk(b"IEND", b"")
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


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("extra", [None, "unassalpha", "assocalpha"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_every_one_of_16_bits_of_a_tiff_is_read(
    tmp_path: Path, compression: str | None, channels: int, extra: str | None, planes: str, order: str
) -> None:
    tifffile = pytest.importorskip("tifffile")
    pixels = noise(channels + bool(extra), np.uint16)
    stored = pixels
    if extra == "assocalpha":
        stored = np.concatenate((pixels[:, :, :-1] * (pixels[:, :, -1:] / 65_535), pixels[:, :, -1:]), axis=2)
    stored = np.moveaxis(stored, 2, 0) if planes == "separate" else stored
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored.round().astype(np.uint16) if stored.shape[-1] > 1 else stored[:, :, 0],
        photometric="rgb" if channels == 3 else "minisblack",
        planarconfig=planes if stored.ndim == 3 and min(stored.shape) > 1 else None,
        extrasamples=extra and [extra],
        byteorder=order,
        compression=compression,
        rowsperstrip=4,
    )
    back = read_image(tmp_path / "a.tif").pixels
    if extra == "assocalpha":
        error = np.abs(back.astype(float) - pixels)[:, :, :-1] * (pixels[:, :, -1:] / 65_535)
        assert error.max() <= 1.01
    else:
        np.testing.assert_array_equal(back, pixels)


@pytest.mark.parametrize("channels", [1, 3])
def test_floats_of_a_tiff_become_16_bits(tmp_path: Path, channels: int) -> None:
    tifffile = pytest.importorskip("tifffile")
    values = np.array([[-1, 0, 0.25, 0.5, 1, 7, np.nan]] * channels, np.float32).T[None]
    stored = values if channels == 3 else values[:, :, 0]
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb" if channels == 3 else "minisblack")
    expected = [0, 0, 16_384, 32_768, 65_535, 65_535, 0]
    assert read_image(tmp_path / "a.tif").pixels[0, :, 0].tolist() == expected


def tiff_for_tifffile(path: Path, pixels: np.ndarray, orientation: int = 1, **options) -> Path:
    """A TIFF that Pillow does not read; its XMP is of the wrong type."""
    tifffile = pytest.importorskip("tifffile")
    tags = [
        (274, "H", 1, orientation),
        (700, "s", 0, '<rdf tiff:Orientation="6" dc:title="x"/>'),
        (271, "s", 0, "Maker"),
    ]
    rgb = pixels.shape[2] > 2
    tifffile.imwrite(
        path,
        pixels,
        photometric="rgb" if rgb else "minisblack",
        extrasamples=None if rgb else ["unassalpha"],
        extratags=tags,
        **options,
    )
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["floats", "16 bits"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_tiffs_that_tifffile_reads_are_rotated_as_others(
    tmp_path: Path, bigtiff: bool, kind: str, orientation: int
) -> None:
    pixels = noise(3 if kind == "floats" else 2, np.uint16)
    stored = (pixels / 65_535).astype(np.float32) if kind == "floats" else pixels
    image = read_image(tiff_for_tifffile(tmp_path / "a.tif", stored, orientation, bigtiff=bigtiff))
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray((pixels >> 8).astype(np.uint8)).save(tmp_path / "8_bits.png", exif=exif)
    np.testing.assert_array_equal(image.pixels >> 8, read_image(tmp_path / "8_bits.png").pixels)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("unit", ["INCH", "CENTIMETER", "NONE", None])
def test_tiffs_that_tifffile_reads_keep_their_metadata(tmp_path: Path, unit: str | None, order: str) -> None:
    known = {"resolution": (300, 150), "resolutionunit": unit} if unit else {}
    path = tiff_for_tifffile(
        tmp_path / "a.tif", np.zeros((4, 6, 3), np.float32), 6, byteorder=order, iccprofile=SRGB, **known
    )
    image = read_image(path)
    assert image.dpi == {"INCH": (150, 300), "CENTIMETER": pytest.approx((381, 762))}.get(unit)
    assert image.icc == SRGB and image.xmp == b'<rdf  dc:title="x"/>'
    save_image(image, tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as pil_image:
        assert pil_image.size == (4, 6) and pil_image.getexif()[0x010F] == "Maker"
        assert pil_image.getexif().get(0x0112, 1) == 1


def test_a_rare_tiff_has_no_larger_tiles_than_images_may_be(tmp_path: Path) -> None:
    pixels = np.zeros((16, 16, 3), np.float32)
    path = tiff_for_tifffile(tmp_path / "a.tif", pixels, tile=(1024, 1024), compression="zlib")
    with pytest.raises(UserError, match=r"a\.tif' has tiles of more than 1 megapixels"):
        read_image(path, max_megapixels=0.01)
    assert read_image(path, max_megapixels=1.1).size == (16, 16)
    path = tiff_for_tifffile(tmp_path / "b.tif", pixels, tile=(256, 256), compression="zlib")
    assert read_image(path, max_megapixels=0.01).size == (16, 16)


@pytest.mark.parametrize("compression", ["zlib", "lzma"])
def test_a_rare_tiff_unpacks_to_little_more_than_its_pixels(tmp_path: Path, compression: str) -> None:
    tifffile = pytest.importorskip("tifffile")
    pack = {"zlib": zlib.compress, "lzma": lzma.compress}[compression]
    for megabytes, refused in ((0.1, False), (50, True)):
        strip = pack(np.full(int(megabytes * 250_000), 1, np.float32).tobytes())
        tifffile.imwrite(
            tmp_path / "a.tif", iter([strip]), shape=(16, 16), dtype=np.float32, compression=compression
        )
        tracemalloc.start()
        if refused:
            with pytest.raises(UserError, match=r"a\.tif' is damaged: it unpacks to more"):
                read_image(tmp_path / "a.tif")
        else:
            assert (read_image(tmp_path / "a.tif").pixels == 65_535).all()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 20e6
