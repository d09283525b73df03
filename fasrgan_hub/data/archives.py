"""Images inside zip archives, tar shards and Parquet files, local or remote, without unpacking them.

Each function takes a path or URL and returns shards (see `sources`): one for each image where the file's layout
states where every image lies, which allows any order at one exact request an image; else stretches of the file
that are read from front to back.
"""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import UserError
from ..images.listing import is_image
from .ranges import ByteFile, Bytes, LocalBytes, open_bytes

if TYPE_CHECKING:
    from pyarrow import Schema

TAIL = 1 << 17
"""Bytes of a remote file's end that are read first: the directory of a zip of 1000 images fits."""

CHUNK = 1 << 22
"""Bytes that one request asks for where a file is read from front to back."""

Row = dict[str, Any]


@dataclass(frozen=True)
class ArchivedImage:
    """An image that is [start, end) of a file."""

    name: str
    source: Bytes
    start: int
    end: int

    def read(self) -> bytes:
        return self.source.read(self.start, self.end)

    def rows(self) -> Iterator[Row]:
        yield {"name": self.name, "read": self.read}


@dataclass(frozen=True)
class RemoteImage:
    """An image that is a file of its own."""

    name: str
    place: str

    def read(self) -> bytes:
        try:
            source = open_bytes(self.place, 0)
        except UserError as error:
            raise OSError(error) from error
        return source.read(0, source.size)

    def rows(self) -> Iterator[Row]:
        yield {"name": self.name, "read": self.read}


@dataclass(frozen=True)
class ZippedImage(ArchivedImage):
    """An image in a zip: a header that states its own length, and `packed` bytes of data."""

    packed: int
    method: int
    checksum: int

    def read(self) -> bytes:
        span = super().read()
        try:
            name_length, extra_length = struct.unpack_from("<HH", span, 26)
            begin = 30 + name_length + extra_length
            data = span[begin : begin + self.packed]
            if self.method == zipfile.ZIP_DEFLATED:
                data = zlib.decompress(data, -zlib.MAX_WBITS)
        except (struct.error, zlib.error) as error:
            raise OSError(f"damaged in {self.source.place}: {error}") from error
        if zlib.crc32(data) != self.checksum:
            raise OSError(f"damaged in {self.source.place}: wrong checksum")
        return data


def zip_shards(place: str) -> list[ZippedImage]:
    """Every image of a zip. Its directory is at the end: opening a remote one costs two requests, seldom three."""
    source = open_bytes(place, TAIL)
    try:
        with zipfile.ZipFile(ByteFile(source)) as archive:
            entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
            ends = [entry.header_offset for entry in entries[1:]] + [archive.start_dir]
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(f"'{place}' cannot be read as a zip: {error}") from error
    shards = []
    for entry, end in zip(entries, ends, strict=True):
        if is_image(entry.filename):
            encrypted = entry.flag_bits & 1
            if encrypted or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise UserError(
                    f"'{place}' is encrypted or compressed in an unusual way; create it again with zip"
                )
            span = (entry.filename, source, entry.header_offset, end)
            shards.append(ZippedImage(*span, entry.compress_size, entry.compress_type, entry.CRC))
    return shards


def tar_shards(place: str) -> "list[ArchivedImage] | list[TarStretch]":
    """Every image of a plain tar of this machine; a remote or compressed tar is one stretch."""
    source = open_bytes(place, 0)
    if isinstance(source, LocalBytes):
        with suppress(tarfile.ReadError), tarfile.open(place, "r:") as tar:
            return [
                ArchivedImage(member.name, source, member.offset_data, member.offset_data + member.size)
                for member in tar
                if member.isreg() and is_image(member.name)
            ]
    return [TarStretch(source)]


@dataclass(frozen=True)
class TarStretch:
    """A whole tar."""

    source: Bytes

    def __str__(self) -> str:
        return self.source.place

    def rows(self) -> Iterator[Row]:
        return _rows_to_the_end(self, self.whole_rows())

    def whole_rows(self) -> Iterator[Row]:
        """Raises OSError where the file cannot be read on."""
        file = io.BufferedReader(ByteFile(self.source), CHUNK)
        try:
            with tarfile.open(fileobj=file, mode="r:*") as tar:
                for member in tar:
                    if is_image(member.name) and (data := tar.extractfile(member)):
                        yield {"name": member.name, "read": partial(bytes, data.read())}
        except (EOFError, zlib.error, tarfile.TarError) as error:
            raise OSError(error) from error


def parquet_shards(place: str, column: str | None = None) -> "list[RowGroup]":
    """Every row group of a Parquet file.

    Args:
        column: of encoded images, as binary or as the struct {"bytes", "path"} of `datasets`; None is the
            first that is such a struct, or failing that binary.
    """
    from pyarrow import ArrowException, types
    from pyarrow.parquet import ParquetFile

    source = open_bytes(place, TAIL)
    try:
        file = ParquetFile(ByteFile(source))
    except (OSError, ArrowException) as error:
        raise UserError(f"'{place}' cannot be read as Parquet: {error}") from error
    schema = file.schema_arrow
    structs = [x.name for x in schema if types.is_struct(x.type) and x.type.get_field_index("bytes") >= 0]
    binaries = [x.name for x in schema if types.is_binary(x.type) or types.is_large_binary(x.type)]
    column = column or next(iter(structs + binaries), "")
    if column not in structs + binaries:
        raise UserError(f"'{place}' has no images in a column '{column}'; it has {', '.join(schema.names)}")
    sizes = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
    return [RowGroup(source, column, index, schema, size) for index, size in enumerate(sizes)]


@dataclass(frozen=True)
class RowGroup:
    """The images of one row group of a Parquet file, whose columns are `schema`; so many `images`."""

    source: Bytes
    column: str
    index: int
    schema: "Schema"
    images: int

    def __str__(self) -> str:
        return f"row group {self.index} of {self.source.place}"

    def rows(self) -> Iterator[Row]:
        return _rows_to_the_end(self, self.whole_rows([self.column]))

    def whole_rows(self, columns: list[str] | None = None) -> Iterator[Row]:
        """Rows {"name", "read", "others"} with the other columns, as `pyarrow` turns them into Python's objects.

        Raises OSError where the file cannot be read on.
        """
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile

        try:
            file = ParquetFile(ByteFile(self.source), buffer_size=CHUNK)
            for batch in file.iter_batches(1, [self.index], columns, use_threads=False):
                (row,) = batch.to_pylist()
                value = row.pop(self.column)
                data, name = (value["bytes"], value.get("path")) if isinstance(value, dict) else (value, None)
                name = name or f"{zlib.crc32(data or b''):08x}"
                yield {"name": name, "read": partial(bytes, data or b""), "others": row}
        except ArrowException as error:
            raise OSError(error) from error


Stretch = TarStretch | RowGroup
"""What is read from front to back; once it cannot be read on, the rest of it is lost."""


def unread_row(stretch: Stretch, error: OSError) -> Row:
    """A row for the unreadable rest of a stretch; reading it raises `error`."""
    return {"name": f"the rest of {stretch}", "read": partial(_fail, error)}


def _rows_to_the_end(stretch: Stretch, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, and where they cannot be read on, one for the rest."""
    try:
        yield from rows
    except OSError as error:
        yield unread_row(stretch, error)


def _fail(error: Exception) -> NoReturn:
    raise OSError(error) from error
