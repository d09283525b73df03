"""Files that a page must refuse with a sentence."""

import struct
import zlib
from pathlib import Path

from browser_space import EXAMPLES
from PIL import Image


def png(width: int, height: int, pixels: bytes = b"", *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG of RGB pixels that says whatever it is told to."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def jpeg(folder: Path) -> bytes:
    Image.open(EXAMPLES / "cat.png").convert("RGB").save(folder / "whole.jpg")
    return (folder / "whole.jpg").read_bytes()


def moving_gif(folder: Path) -> bytes:
    frames = [Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    return (folder / "moving.gif").read_bytes()


HOSTILE = {
    "words.png": (lambda folder: b"no image, just words", "not an image"),
    "cut.jpg": (lambda folder: jpeg(folder)[:200], "damaged JPEG"),
    "empty.png": (lambda folder: b"", "the file is empty"),
    "gigantic.png": (lambda folder: png(30_000, 30_000), "30000 pixels are more than 4 megapixels"),
    "bomb.png": (lambda folder: png(60_000, 60_000, bytes(50_000_000)), "60000 pixels are more than 4 megapixels"),
    "wide.png": (lambda folder: png(30_000, 1, bytes(90_001)), "8192 pixels a side"),
    "nothing.png": (lambda folder: png(0, 5), "no pixels"),
    "cut.png": (lambda folder: png(40, 40, bytes(500)), "damaged PNG"),
    "moving.png": (lambda folder: png(4, 4, bytes(52), (b"acTL", bytes(8))), "animation"),
    "moving.gif": (moving_gif, "animation"),
    "drawing.svg": (lambda folder: b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "SVG"),
    "phone.heic": (lambda folder: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), "cannot read HEIC"),
    "zip.png": (lambda folder: b"PK\x03\x04" + bytes(500), "not an image"),
    "<img src=x onerror=alert(1)>.png": (lambda folder: bytes(99), "not an image"),
}  # fmt: skip
"""Name -> a function of a folder to work in that gives the content, and a part of the sentence."""
