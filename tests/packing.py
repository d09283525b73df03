"""Archives of every kind, made of {name: contents}, and PNG files made of chunks."""

import io
import struct
import tarfile
import zipfile
import zlib

import pyarrow
from pyarrow import parquet


def zipped(files: dict[str, bytes], **options) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", **options) as archive:
        archive.mkdir("set")
        for name, contents in files.items():
            archive.writestr(name, contents)
    return data.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, contents in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(contents)
            archive.addfile(member, io.BytesIO(contents))
    return data.getvalue()


def tabled(files: dict[str, bytes], rows: int = 3, plain: bool = False) -> bytes:
    images = [data if plain else {"bytes": data, "path": name} for name, data in files.items()]
    table = pyarrow.table({"label": list(range(len(files))), "photo": images})
    data = io.BytesIO()
    parquet.write_table(table, data, row_group_size=rows)
    return data.getvalue()


def png(
    width: int,
    height: int,
    data: bytes,
    *extra: bytes,
    bits: int = 8,
    kind: int = 2,
    interlaced: bool = False,
) -> bytes:
    """A PNG file with these rows, before they are compressed; `extra` are chunks: four letters and the contents."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, interlaced)
    chunks = [b"IHDR" + header, *extra, b"IDAT" + zlib.compress(data), b"IEND"]
    parts = (
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
