"""TIFF files that Pillow does not read, or not whole."""

import lzma
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from conftest import SRGB, noise
from PIL import Image

from fasrgan_hub.errors import UserError
from fasrgan_hub.images.reading import read_image
from fasrgan_hub.images.writing import save_image


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
