"""Results that go to disk as they are computed."""

import tracemalloc
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fasrgan_hub.apps.cli.batch import upscale_file
from fasrgan_hub.apps.cli.jobs import UpscaleJob
from fasrgan_hub.errors import UserError
from fasrgan_hub.images.decoded import DecodedImage
from fasrgan_hub.images.png import PngWriter
from fasrgan_hub.images.reading import read_image
from fasrgan_hub.images.tiff import TiffWriter
from fasrgan_hub.images.writing import WHOLE_MEGAPIXELS, Writer, check_output, open_writer, save_image
from fasrgan_hub.upscaling.upscaler import Upscaler


def noise(channels: int, dtype: type, height: int = 150, width: int = 41) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(channels).integers(0, top, (height, width, channels), dtype, endpoint=True)


def cut(pixels: np.ndarray, heights: list[int]) -> Iterator[np.ndarray]:
    top = 0
    for height in heights:
        yield pixels[top : top + height]
        top += height
    assert top == len(pixels)


def save_bands(bands: Iterable[np.ndarray], like: DecodedImage, size: tuple[int, int], path: Path) -> None:
    with open_writer(path, like, size) as writer:
        for band in bands:
            writer.write(band)
            del band


def write_all(writer: Writer, bands: Iterable[np.ndarray]) -> None:
    for band in bands:
        writer.write(band)
    writer.close()


@pytest.mark.parametrize("heights", [[150], [1, 149], [64, 64, 22], [100, 1, 1, 48]])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_bands_of_any_height_make_the_file_of_the_whole(
    tmp_path: Path, suffix: str, channels: int, dtype: type, heights: list[int]
) -> None:
    image = DecodedImage(noise(channels, dtype))
    save_bands(cut(image.pixels, heights), image, image.size, tmp_path / f"bands{suffix}")
    if suffix == ".tif":  # a PNG's bytes come in chunks as the rows do
        save_image(image, tmp_path / "whole.tif")
        assert (tmp_path / "bands.tif").read_bytes() == (tmp_path / "whole.tif").read_bytes()
    np.testing.assert_array_equal(read_image(tmp_path / f"bands{suffix}").pixels, image.pixels)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_tiff_is_read_by_another_library(channels: int, dtype: type, big: bool) -> None:
    tifffile = pytest.importorskip("tifffile")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:01:02 03:04:05"
    image = DecodedImage(noise(channels, dtype, 3000, 400), exif=exif.tobytes(), dpi=(300, 150), xmp=b"<x/>")
    file = BytesIO()
    writer = TiffWriter(file, image, image.size, classic=0 if big else 1 << 30)
    write_all(writer, cut(image.pixels, [1, 2000, 999]))
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        assert tiff.is_bigtiff == big and len(tiff.pages[0].dataoffsets) > 1
        np.testing.assert_array_equal(tiff.asarray().reshape(image.pixels.shape), image.pixels)
        tags = tiff.pages[0].tags
        assert tags["XResolution"].value == (300, 1) and bytes(tags["XMP"].value) == b"<x/>"
        assert tags["ExifTag"].value["DateTimeOriginal"] == "2026:01:02 03:04:05"


def test_pillow_reads_bigtiff_too() -> None:
    image = DecodedImage(noise(3, np.uint8))
    file = BytesIO()
    write_all(TiffWriter(file, image, image.size, classic=0), [image.pixels])
    assert file.getvalue()[:4] == b"II\x2b\0"
    with Image.open(file) as opened:
        np.testing.assert_array_equal(opened, image.pixels)


@pytest.mark.parametrize("writer", [PngWriter, TiffWriter])
def test_memory_holds_a_band_and_not_the_image(tmp_path: Path, writer) -> None:
    band = np.random.default_rng(0).integers(0, 256, (64, 2000, 3), np.uint8)
    count = 60
    bands = (band.copy() for _ in range(count))
    like = DecodedImage(band)
    size = (2000, 64 * count)
    with (tmp_path / "large").open("wb") as file:
        tracemalloc.start()
        write_all(writer(file, like, size), bands)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (tmp_path / "large").stat().st_size > 0.9 * count * band.nbytes
    assert peak < 20 * band.nbytes  # filters work on rows of 16-bit numbers; all bands would be 60


def test_png_of_flat_and_smooth_areas_is_small() -> None:
    flat = np.full((1000, 1000, 3), 200, np.uint8)
    ramp = np.add.outer(np.arange(1000), np.arange(1000)).astype(np.uint8)[:, :, None]
    for pixels in (flat, ramp):
        file = BytesIO()
        write_all(PngWriter(file, DecodedImage(pixels), (1000, 1000)), [pixels])
        assert len(file.getvalue()) < pixels.size / 200


class Counting:
    """An engine that repeats pixels and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.calls += 1
        return x.repeat(4, -1).repeat(4, -2)


@pytest.fixture
def upscaler() -> Upscaler:
    upscaler = Upscaler("bicubic", tile=16, overlap=2)
    upscaler.engine = Counting()
    return upscaler


def test_bands_are_computed_when_they_are_asked_for(upscaler: Upscaler) -> None:
    pixels = noise(3, np.uint8, 60, 20)
    bands = upscaler.bands(pixels)
    first = next(bands)
    assert first.shape[1:] == (80, 3) and len(first) < 100
    before = upscaler.engine.calls
    rest = list(bands)
    assert before < upscaler.engine.calls and len(rest) > 1
    np.testing.assert_array_equal(np.concatenate([first, *rest]), upscaler(pixels))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_file_becomes_what_the_image_becomes(
    tmp_path: Path, upscaler: Upscaler, suffix: str, channels: int
) -> None:
    image = DecodedImage(noise(channels, np.uint8, 50, 33), dpi=(300, 300))
    save_image(image, tmp_path / "in.png")
    steps: list[tuple[int, int]] = []
    target = tmp_path / f"out{suffix}"
    result = upscale_file(UpscaleJob(tmp_path / "in.png", target), upscaler, lambda *step: steps.append(step))
    assert result.size == (132, 200) and steps[-1][0] == steps[-1][1] == len(steps)
    np.testing.assert_array_equal(read_image(target).pixels, upscaler(image.pixels))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_go_through(tmp_path: Path, upscaler: Upscaler, suffix: str, channels: int) -> None:
    image = DecodedImage(noise(channels, np.uint16, 20, 20))
    if channels == 4:
        image.pixels[:, :, 3] = 65_535
    save_image(image, tmp_path / f"in{suffix}")
    upscale_file(UpscaleJob(tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"), upscaler)
    result = read_image(tmp_path / f"out{suffix}").pixels
    np.testing.assert_array_equal(result, image.pixels.repeat(4, 0).repeat(4, 1))


def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path, upscaler: Upscaler) -> None:
    save_image(DecodedImage(noise(3, np.uint8, 60, 20)), tmp_path / "in.png")
    engine = upscaler.engine

    def failing(x: np.ndarray) -> np.ndarray:
        if engine.calls > 1:
            raise RuntimeError("the network broke")
        return engine(x)

    upscaler.engine = failing
    for suffix in (".png", ".tif", ".jpg", ".webp"):
        engine.calls = 0
        result = upscale_file(UpscaleJob(tmp_path / "in.png", tmp_path / f"out{suffix}"), upscaler)
        assert result.status == "failed" and "the network broke" in result.error
    assert [path.name for path in tmp_path.iterdir()] == ["in.png"]


def test_what_is_too_large_for_memory_is_told_before_the_work(tmp_path: Path) -> None:
    like = DecodedImage(np.zeros((1, 1, 3), np.uint8))
    side = int((WHOLE_MEGAPIXELS * 1e6) ** 0.5) + 10
    with pytest.raises(UserError, match=r"AVIF of more than 400 megapixels .* use \.png or \.tif"):
        check_output("a.avif", like, (side, side))
    for name in ("a.png", "a.tif"):
        check_output(name, like, (200_000, 200_000))


def test_a_result_may_be_written_to(upscaler: Upscaler) -> None:
    given = np.zeros((3, 3, 3), np.float32)
    given.flags.writeable = False
    assert upscaler(given).flags.writeable
    assert Upscaler("fasrgan-lite-x4")(given).flags.writeable
