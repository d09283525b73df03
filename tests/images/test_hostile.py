"""A folder of files that nobody should have to open, through the real command line."""

import os
import random
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from conftest import SRGB
from PIL import Image

from fasrgan_hub.errors import UserError
from fasrgan_hub.images.reading import MEGAPIXELS_VARIABLE, read_image

# It tells its own peak: what a parent sees of a child (ru_maxrss) begins with the parent's size at the fork.
SCRIPT = """
import atexit, re, resource, sys
from pathlib import Path
from fasrgan_hub.apps.cli.main import main
resource.setrlimit(resource.RLIMIT_CPU, (240, 240))
atexit.register(lambda: print(re.search(r"VmHWM.*", Path("/proc/self/status").read_text())[0]))
sys.exit(main())
"""
COMMAND = [sys.executable, "-c", SCRIPT, "upscale", "--model", "bicubic"]
MEGABYTES = 600


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, *chunks: bytes, bits: int = 8, color: int = 2, rows: bytes = bytes(99)
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + body + chunk(b"IEND", b"")


def small(mode: str = "RGB") -> Image.Image:
    return Image.effect_noise((24, 18), 60).convert(mode)


def saved(kind: str, image: Image.Image, **options) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def good() -> dict[str, bytes]:
    """Images that are in order, two of them by other names than their own."""
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
        "good-rgb.png": saved("PNG", small()),
        "good-gray.jpg": saved("JPEG", small("L"), exif=turned),
        "good-cmyk.jpg": saved("JPEG", small("CMYK")),
        "good-palette.gif": saved("GIF", small("P")),
        "good-bits.bmp": saved("BMP", small("1")),
        "good-alpha.webp": saved("WEBP", small("RGBA"), lossless=True),
        "good-packed.tif": saved("TIFF", small(), compression="tiff_lzw"),
        "good-named-wrongly.png": saved("JPEG", small()),
        "good-moving.webp": saved(
            "WEBP", small(), save_all=True, append_images=[small(), small()], duration=50
        ),
        "good-deep.png": png(2, 1, bits=16, rows=bytes(13)),
        "good-unknown-chunk.png": png(2, 1, chunk(b"heLo", b"world"), rows=bytes(7)),
        "good-odd-profile.png": saved("PNG", small(), icc_profile=b"nonsense" * 20),
        "good-odd-exif.jpg": saved(
            "JPEG", small(), exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(range(200))
        ),
    }


def crafted() -> Iterator[tuple[str, bytes]]:
    """Files that were made to hurt."""
    yield "empty.png", b""
    yield "text.png", b"just words\n" * 50
    yield "web.jpg", b"<!doctype html><title>404</title>"
    yield "zeros.tif", bytes(5000)
    yield "signature.png", b"\x89PNG\r\n\x1a\n"
    for width, height in ((0, 5), (5, 0), (0, 0), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (2**32 - 1, 1)):
        yield f"size-{width}x{height}.png", png(width, height)
    for bits, color in ((3, 2), (16, 3), (8, 7), (0, 0), (255, 255)):
        yield f"mode-{bits}-{color}.png", png(4, 4, bits=bits, color=color)
    yield "no-palette.png", png(4, 4, bits=8, color=3)
    yield "too-little.png", png(200, 200)
    yield (
        "text-bomb.png",
        png(2, 1, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(300_000_000))), rows=bytes(7)),
    )
    yield (
        "profile-bomb.png",
        png(2, 1, chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(300_000_000))), rows=bytes(7)),
    )
    yield "row-bomb.png", png(2, 1, rows=bytes(300_000_000))
    yield "profile-cut.png", png(2, 1, chunk(b"iCCP", b"a\0\0" + zlib.compress(SRGB)[:50]), rows=bytes(7))
    yield (
        "negative-gamma.png",
        png(2, 1, chunk(b"gAMA", b"\xff\xff\xff\xff"), chunk(b"pHYs", bytes(9)), rows=bytes(7)),
    )
    yield "many-frames.png", png(2, 1, chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)), rows=bytes(7))
    yield "no-frames.png", png(2, 1, chunk(b"acTL", bytes(8)), rows=bytes(7))
    screen = b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + b"\x80\0\0" + bytes(6)
    yield "screen.gif", screen + b"," + struct.pack("<HHHH", 0, 0, 65_535, 65_535) + b"\0\x02\x02\x4c\x01\0;"
    yield "far.gif", saved("GIF", small("P")).replace(b",\0\0\0\0", b",\xff\xff\xff\xff")
    frame = b"," + struct.pack("<HHHH", 0, 0, 1, 1) + b"\0\x02\x02\x44\x01\0"
    yield "long.gif", b"GIF89a\xc8\0\xc8\0\x80\0\0" + bytes(6) + frame * 20_000 + b";"
    yield "size.jpg", saved("JPEG", small()).replace(struct.pack(">HH", 18, 24), b"\xff\xdc\xff\xdc")
    tiff = saved("TIFF", small())
    yield (
        "size.tif",
        tiff.replace(struct.pack("<HHLL", 256, 4, 1, 24), struct.pack("<HHLL", 256, 4, 1, 2**31)),
    )
    yield "loop.tif", b"II*\0\x08\0\0\0" + struct.pack("<HL", 0, 8)
    yield "many-tags.tif", b"II*\0\x08\0\0\0\xff\xff" + bytes(100)
    tag = struct.pack("<HHLL", 0x8769, 4, 1, 8)  # a directory that is its own inner one
    circle = b"Exif\0\0II*\0\x08\0\0\0\x01\0" + tag + bytes(4)
    yield "circle.jpg", saved("JPEG", small(), exif=circle)
    yield "heic.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(300)
    yield "avif.avif", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(300)
    yield "jxl.jxl", b"\xff\x0a" + bytes(range(100))
    yield "webp.webp", b"RIFF\xff\xff\xff\xffWEBPVP8L" + bytes(60)


def fuzzed(generator: random.Random) -> Iterator[tuple[str, bytes]]:
    """Images that were hit somewhere."""
    sources = {
        "png": saved("PNG", small("RGBA")),
        "jpg": saved("JPEG", small(), icc_profile=SRGB, exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0" + bytes(40)),
        "gif": saved("GIF", small("P"), save_all=True, append_images=[small("P")] * 3),
        "webp": saved("WEBP", small("RGBA"), lossless=True),
        "tif": saved("TIFF", small(), compression="tiff_deflate", icc_profile=SRGB),
        "avif": saved("AVIF", small()),
        "bmp": saved("BMP", small()),
    }
    for ending, whole in sources.items():
        for number in range(9):
            data = bytearray(whole)
            if number < 3:
                data = data[: generator.randrange(4, len(data))]
            for _ in range(number):
                data[generator.randrange(min(len(data), 120 if number % 2 else len(data)))] = (
                    generator.randrange(256)
                )
            yield f"fuzzed-{ending}-{number}.{ending}", bytes(data)


def run(*arguments: str | Path, **environment: str) -> tuple[int, str, float]:
    """Exit status, what was said on standard error, and the peak of memory in megabytes."""
    outcome = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, env={**os.environ, **environment}
    )
    peak = int(outcome.stdout.splitlines()[-1].split()[1]) / 1024
    return outcome.returncode, outcome.stderr, peak


@pytest.mark.slow
def test_hostile_files_stop_nobody(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    right = good()
    files = right | dict(crafted()) | dict(fuzzed(random.Random(0)))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "folder.png").mkdir()
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "nowhere.png").symlink_to(folder / "nothing.png")
    os.mkfifo(folder / "pipe.png")
    assert len(files) > 100

    status, said, megabytes = run(folder, "-o", out, "--format", "same", **{MEGAPIXELS_VARIABLE: "0.05"})
    assert status == 2
    expected = ("fasrgan: error: ", "ZIPDecode: ", "TIFF")  # the last two: what libtiff itself puts on stderr
    strange = [line for line in said.splitlines() if not line.startswith(expected) and " -> " not in line]
    assert len(strange) <= 1, strange  # the summary
    assert megabytes < MEGABYTES
    results = {path.name for path in out.iterdir()}
    failed = {name for name in files if f"'{folder / name}'" in said}
    for name in files:
        kept = name if Path(name).suffix != ".bmp" else f"{Path(name).stem}.png"
        assert (kept in results) or name in failed, f"nothing was said of {name}: {said}"
    for name in right:
        kept = name if Path(name).suffix != ".bmp" else f"{Path(name).stem}.png"
        with Image.open(out / kept) as image, Image.open(folder / name) as source:
            image.load()
            assert image.size in (
                (4 * source.width, 4 * source.height),
                (4 * source.height, 4 * source.width),
            )
            assert getattr(image, "n_frames", 1) == getattr(source, "n_frames", 1)
    assert not [name for name in results if name.startswith(".")]


@pytest.mark.parametrize("name", ["pipe.png", "loop.png", "nowhere.png"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "nothing.png")
    with pytest.raises(UserError, match=name):
        read_image(tmp_path / name)


@pytest.mark.slow
def test_a_killed_batch_is_completed_by_running_it_again(tmp_path: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for index in range(6):
        image = np.random.default_rng(index).integers(0, 256, (400, 400, 3), np.uint8)
        Image.fromarray(image).save(folder / f"{index}.{'png' if index % 2 else 'tif'}")
    command = [*COMMAND, str(folder), "-o", str(out)]
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            ends = time.monotonic() + 60
            while not any(out.glob(".*.partial")) and process.poll() is None and time.monotonic() < ends:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
        assert any(out.glob(".*.partial"))
        for path in out.glob("[!.]*"):
            assert read_image(path).size == (1600, 1600)
    status, said, _ = run(folder, "-o", out)
    assert status == 0, said
    assert sorted(path.name for path in out.iterdir()) == [f"{index}.png" for index in range(6)]
    for path in out.iterdir():
        assert read_image(path).size == (1600, 1600)
