"""A whole dataset through an Upscaler, by any number of processes, into Parquet shards that `datasets` opens.

The images of a source come in units, the same every time: runs of `rows` images that are files of their own, and
stretches that are read from front to back (a row group of Parquet, a remote tar). Process r of n takes every n-th
unit from the r-th on, and writes each as parts of up to `rows` images, DATA/UNIT-PART.parquet. A part gets its name
when it is complete; a unit with all its parts is marked in UNITS. So a killed run can go on with any number of
processes, and no image is lost or done twice.
"""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from itertools import count, groupby, islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from ...data.archives import RowGroup, Stretch, unread_row
from ...data.sources import Shard, list_shards
from ...errors import FileAccessError, OutOfMemoryError, UserError, is_out_of_memory
from ...images.atomic import remove_unfinished, replace_file, write_json
from ...images.png import PngWriter
from ...images.reading import read_image
from ...upscaling.upscaler import Upscaler

if TYPE_CHECKING:
    from datasets import Features

DATA, UNITS, SETTINGS = "data", ".units", "settings.json"
IMAGE, NAME, ITEM, ERROR = "image", "upscaled_from", "upscaled_item", "upscaling_error"
FLUSH_BYTES = 1 << 26
"""Encoded images that are held before they go to the file as a row group."""


@dataclass(frozen=True)
class Share:
    """Process `rank` of `world`, from the environment of torchrun and accelerate by default."""

    rank: int = 0
    world: int = 1

    @classmethod
    def of_environment(cls) -> "Share":
        return cls(int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1)))


def make_units(shards: Sequence[Shard], rows: int) -> list[tuple[Shard, ...]]:
    """Cut a source into units, the work that one process does at once: shards of one image each, or one stretch."""
    groups: list[tuple[Shard, ...]] = []
    for alone, run in groupby(shards, lambda shard: isinstance(shard, Stretch)):
        together = tuple(run)
        size = 1 if alone else rows
        groups += [together[start : start + size] for start in range(0, len(together), size)]
    return groups


def upscale_dataset(
    upscaler: Upscaler,
    data: str,
    output: str | Path,
    *,
    rows: int = 100,
    settings: dict[str, Any] | None = None,
    share: Share | None = None,
    keep_unreadable: bool = False,
) -> Iterator[tuple[int, int]]:
    """Do the unfinished units of this process's share; yields (units done, units of the share) after each.

    An image that is damaged, too large or animated becomes a row without an image, with the reason. One that cannot
    be read, because a disk or a network fails, leaves its unit for the next run.

    Args:
        data: as in `data.sources.open_source`.
        output: a folder, shared by all processes.
        rows: images in a part.
        settings: everything that decides the results; an output with other settings is refused.
        keep_unreadable: treat images that cannot be read like damaged ones.

    Raises UserError for a source or an output that cannot be used, and at the end if units were left.
    """
    share = share or Share.of_environment()
    output = Path(output)
    shards = list_shards(data)
    units = make_units(shards, rows)
    facts = {"data": data, "rows": rows, "images": _digest(shards), "units": len(units)}
    _prepare(output, facts | (settings or {}))
    share_units = [(f"{index:06d}", unit) for index, unit in enumerate(units)][share.rank :: share.world]
    left: list[str] = []
    for done, (name, unit) in enumerate(share_units, start=1):
        marker = output / UNITS / name
        if not marker.exists():
            try:
                written = _upscale_unit(upscaler, unit, output / DATA / name, rows, keep_unreadable)
            except _UnreadError as error:
                left.append(" ".join(str(error).split()))
            else:
                with replace_file(marker) as file:
                    file.write(f"{written}\n".encode())
        yield done, len(share_units)
    if left:
        raise UserError(
            f"{len(left)} of {len(share_units)} units could not be read, the first because of: {left[0]}; "
            "run it again, or skip unreadable images with --keep-unreadable"
        )


def units_left(output: str | Path) -> int:
    """The number of unfinished units of all processes."""
    output = Path(output)
    total = json.loads((output / SETTINGS).read_text(encoding="utf-8"))["units"]
    return total - sum(path.name.isdecimal() for path in (output / UNITS).iterdir())


def _digest(shards: Sequence[Shard]) -> str:
    """A hash of the names of a source's images in their order."""
    names = "\n".join(str(getattr(shard, "name", getattr(shard, "index", ""))) for shard in shards)
    return sha256(names.encode()).hexdigest()[:16]


def _prepare(output: Path, settings: dict[str, Any]) -> None:
    """Make the folders; raises UserError if the output holds results of other settings."""
    try:
        for folder in (output / DATA, output / UNITS):
            folder.mkdir(parents=True, exist_ok=True)
            remove_unfinished(folder)
        place = output / SETTINGS
        if not place.exists():  # every process writes the same
            write_json(place, settings)
        before = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FileAccessError(f"cannot use the folder '{output}': {error}") from error
    changed = [name for name in settings if before.get(name) != settings[name]]
    if changed:
        name = changed[0]
        raise UserError(
            f"'{output}' holds results of another run, whose '{name}' is {before.get(name)} and not {settings[name]}; "
            "choose another folder"
        )


def _upscale_unit(
    upscaler: Upscaler, unit: Sequence[Shard], name: Path, rows: int, keep_unreadable: bool
) -> int:
    """Write the parts NAME-PART.parquet of a unit that are not there yet; returns the number of its images."""
    first = unit[0]
    column = first.column if isinstance(first, RowGroup) else IMAGE
    features = _features(first, column)
    images = enumerate(row for shard in unit for row in _rows(shard, keep_unreadable))
    for part in count():
        place = name.with_name(f"{name.name}-{part:04d}.parquet")
        items = list(islice(images, rows))
        if items and not place.exists():
            results = (
                {
                    **row.get("others", {}),
                    **_upscale_row(upscaler, row, column, keep_unreadable),
                    ITEM: f"{name.name}-{number:06d}",
                }
                for number, row in items
            )
            _write_part(place, features, results, column)
        if len(items) < rows:
            return part * rows + len(items)
    raise AssertionError


def _rows(shard: Shard, keep_unreadable: bool) -> Iterator[dict[str, Any]]:
    """Rows {"name", "read"}; of Parquet files also {"others"}, the columns beside the image.

    Where a stretch cannot be read on: _UnreadError, or with `keep_unreadable` a last row for the rest.
    """
    if not isinstance(shard, Stretch):
        yield from shard.rows()
        return
    try:
        yield from shard.whole_rows()
    except OSError as error:
        if not keep_unreadable:
            raise _UnreadError(f"{shard}: {error}") from error
        yield unread_row(shard, error)


def _upscale_row(
    upscaler: Upscaler, row: dict[str, Any], column: str, keep_unreadable: bool
) -> dict[str, Any]:
    result: dict[str, Any] = {column: None, NAME: row["name"], ERROR: None}
    try:
        image = read_image(BytesIO(row["read"]()))
    except OSError as error:
        if not keep_unreadable:
            raise _UnreadError(f"{row['name']}: {error}") from error
        return result | {ERROR: str(error)}
    except UserError as error:
        return result | {ERROR: str(error)}
    file = BytesIO()
    try:
        writer = PngWriter(file, image, upscaler.enlarged(image.size))
        for band in upscaler.bands(image.pixels):
            writer.write(band)
        writer.close()
    except (MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise OutOfMemoryError(
                f"not enough memory to enlarge '{row['name']}'; try smaller tiles"
            ) from error
        raise
    return result | {column: {"bytes": file.getvalue(), "path": f"{PurePath(row['name']).stem}.png"}}


def _features(shard: Shard, column: str) -> "Features":
    """The types of the columns for `datasets`; those of a Parquet file stay."""
    from datasets import Features, Image, Value

    known = Features.from_arrow_schema(shard.schema) if isinstance(shard, RowGroup) else {}
    return Features({**known, column: Image(), **dict.fromkeys((NAME, ITEM, ERROR), Value("string"))})


def _write_part(place: Path, features: "Features", rows: Iterator[dict[str, Any]], column: str) -> None:
    from pyarrow import Table
    from pyarrow.parquet import ParquetWriter

    schema = features.arrow_schema
    others = [name for name in schema.names if name != column]
    with replace_file(place) as file, ParquetWriter(file, schema, use_dictionary=others) as writer:
        held: list[dict[str, Any]] = []
        size = 0
        for row in rows:
            held.append(row)
            size += len(row[column]["bytes"]) if row[column] else 0
            if size >= FLUSH_BYTES:
                writer.write_table(Table.from_pylist(held, schema))
                held, size = [], 0
        if held:
            writer.write_table(Table.from_pylist(held, schema))


class _UnreadError(Exception):
    """An image, or the rest of its file, cannot be read now. Not an OSError: those come from the output's disk."""
