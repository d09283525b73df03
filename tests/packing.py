"""Archives of every kind, made of {name: contents}."""

import io
import tarfile
import zipfile

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
