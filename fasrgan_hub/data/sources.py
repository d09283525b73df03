"""Where training images come from: a streamed `datasets.IterableDataset` of encoded images.

A source is a list of shards, each with a method `rows`; wherever the layout of the files allows it, a shard is one
image. Then `datasets` shuffles whole epochs without a buffer, hands every image to exactly one worker of one
process, and resumes exactly.

A row is {"name": str, "read": () -> bytes}, of paired images {"name", "read", "read_lr"}: bytes are fetched when
they are called for, so that a process which skips its neighbors' rows does not download them. `read` raises
OSError for an image that cannot be read.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ..errors import MissingFileError, UserError
from ..images.listing import READABLE, is_image, list_images
from .archives import RemoteImage, Row, parquet_shards, tar_shards, zip_shards
from .mixing import Shard, mix_shards, split_shares
from .pairs import pair_below, pair_names
from .ranges import is_remote
from .rendering.source import list_pages

if TYPE_CHECKING:
    from datasets import IterableDataset

DIV2K = "hf://datasets/goodfellowliu/DIV2K/DIV2K_train_HR.zip"

FORMS = "folder:DIR, pairs:LR_DIR,HR_DIR, div2k, zip:FILE, tar:FILE, parquet:FILE, hub:ORG/NAME or rendered:"

HUB_DATASET = re.compile(r"hf://datasets/([^/@]+/[^/@]+)")
ZIPS, TARS, TABLES = (".zip",), (".tar", ".tar.gz", ".tgz"), (".parquet",)
"""Endings of the files that are read."""


def open_source(spec: str, seed: int, results: str = "") -> "IterableDataset":
    """The images that `spec` names, shuffled anew each epoch (`set_epoch`).

    Args:
        spec: one of
            folder:DIR                  every image below a folder (or just DIR)
            pairs:LR_DIR,HR_DIR         LR images and their HR images, as many times as wide as the model enlarges
            div2k                       the 800 training images of DIV2K, streamed from the Hub's archive
            zip:FILE                    the images in a zip
            tar:FILE                    the images in a tar, a WebDataset shard for one
            parquet:FILE[:COLUMN]       the encoded images in a column of a Parquet file
            hub:ORG/NAME[/CONFIG][:COLUMN][@SPLIT]     an image dataset of the Hub; default @train
            rendered:[COUNT][,FONTS]    pages that are drawn: text, UI, charts; COUNT of them, fonts of a folder
            A=0.7;B=0.3                 several of these, each with its share of the images
            A FILE is a path, a URL or hf://datasets/ORG/NAME/PATH; it may also be a folder of such files, or
            many at once: shard-{000..099}.tar.
        seed: of the shuffling. Tars that are remote or compressed and row groups of Parquet are shuffled as
            wholes; within each the images keep their order.
        results: folder of a teacher's results, one for each image and called alike (see `pairs.py`); rows then have
            "read_result", too.

    UserError, in one line, if there is nothing of that kind, or no image in it.
    """
    from datasets import IterableDataset

    shards = list_shards(spec)
    if results:
        shards = _with_results(shards, Path(results))
    source = IterableDataset.from_generator(_rows, gen_kwargs={"shards": shards})
    return source.shuffle(seed=seed, buffer_size=1, max_buffer_input_shards=1)


def hub_datasets(spec: str) -> list[str]:
    """The ids of the Hub's datasets that `spec` names, as in `open_source`, each once."""
    ids = []
    for source, _ in split_shares(spec):
        kind, _, rest = source.partition(":")
        place = DIV2K if kind == "div2k" else f"hf://datasets/{rest}" if kind == "hub" else rest
        ids += re.findall(r"[^:]+", match[1])[:1] if (match := HUB_DATASET.match(place)) else []
    return list(dict.fromkeys(ids))


def list_shards(spec: str) -> list[Shard]:
    """The shards of what `spec` names, as in `open_source`, in an order that is the same every time."""
    shares = split_shares(spec)
    if len(shares) > 1:
        return mix_shards([(source, share, list_shards(source)) for source, share in shares])
    kind, _, rest = spec.partition(":")
    shards = list(_shards(spec, kind, rest))
    if not shards:
        raise MissingFileError(f"there are no images in '{spec}' ({', '.join(sorted(READABLE))})")
    return shards


@dataclass(frozen=True)
class Taught:
    """An image and a teacher's result of it."""

    image: Shard
    result: Path

    def rows(self) -> Iterator[Row]:
        for row in self.image.rows():
            yield {**row, "read_result": self.result.read_bytes}


def _with_results(shards: Sequence[Shard], folder: Path) -> list[Shard]:
    names = [getattr(shard, "name", None) for shard in shards]
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        raise UserError(
            "teacher.results are paired by name, so that they go with a single source of named files: folder:, pairs:, "
            "zip: or a tar of this machine"
        )
    return [Taught(*each) for each in zip(shards, pair_names(known, folder), strict=True)]


def _rows(shards: list[Shard]) -> Iterator[Row]:
    for shard in shards:
        yield from shard.rows()


def _shards(spec: str, kind: str, rest: str) -> Iterable[Shard]:
    match kind:
        case "div2k" if not rest:
            return zip_shards(DIV2K)
        case "folder" if rest:
            return _folder(Path(rest))
        case "pairs" if rest.count(",") == 1:
            return _pairs(*map(Path, rest.split(",")))
        case "zip" if rest:
            return _read_all(_places(rest, ZIPS), zip_shards)
        case "tar" if rest:
            return _read_all(_places(rest, TARS), tar_shards)
        case "parquet" if rest:
            column = re.search(r":([\w .-]+)$", rest)
            read = partial(parquet_shards, column=column[1] if column else None)
            return _read_all(_places(rest[: column.start()] if column else rest, TABLES), read)
        case "hub" if "/" in rest:
            return _hub(rest)
        case "rendered":
            return list_pages(rest)
        case _ if ":" not in spec or Path(spec).is_dir():
            return _folder(Path(spec))
    raise UserError(f"there is no data source '{spec}'; use {FORMS}")


@dataclass(frozen=True)
class Files:
    """An image in a file of its own, and its LR image where there is one."""

    name: str
    path: Path
    lr: Path | None = None

    def rows(self) -> Iterator[Row]:
        pair = {"read_lr": self.lr.read_bytes} if self.lr else {}
        yield {"name": self.name, "read": self.path.read_bytes, **pair}


def _folder(folder: Path) -> list[Files]:
    return [Files(path.relative_to(folder).as_posix(), path) for path in list_images(folder, recursive=True)]


def _pairs(lr_folder: Path, hr_folder: Path) -> list[Files]:
    """HR images with their LR images, from two folders or one; see `pairs.py`."""
    pairs = pair_below(hr_folder, lr_folder)
    return [Files(hr.relative_to(hr_folder).as_posix(), hr, lr) for hr, lr in pairs]


def _read_all(places: Sequence[str], read: Callable[[str], Sequence[Shard]]) -> Iterator[Shard]:
    """The shards of all files, several files at a time: a server takes a while to answer."""
    with ThreadPoolExecutor(8) as pool:
        for shards in pool.map(read, places):
            yield from shards


def _places(files: str, endings: tuple[str, ...]) -> list[str]:
    """A path or URL; a folder's files; or the files that a{000..099}b stands for."""
    if braces := re.fullmatch(r"(.*)\{(\d+)\.\.(\d+)\}(.*)", files):
        before, first, last, after = braces.groups()
        numbers = range(int(first), int(last) + 1)
        return [f"{before}{number:0{len(first)}}{after}" for number in numbers]
    if not is_remote(files) and Path(files).is_dir():
        return sorted(str(path) for path in Path(files).rglob("*") if path.name.endswith(endings))
    return [files]


def _hub(rest: str) -> Iterator[Shard]:
    """The files of a dataset's split. `datasets` knows which they are; the readers here fetch less of them."""
    from datasets import load_dataset_builder

    parts = re.fullmatch(r"([^:@]+)(?::([^:@]+))?(?:@([^:@]+))?", rest)
    if not parts:
        raise UserError(f"'hub:{rest}' names no dataset; write hub:ORG/NAME[/CONFIG][:COLUMN][@SPLIT]")
    path, column, split = parts[1], parts[2], parts[3] or "train"
    organization, name, *config = path.split("/", 2)
    try:
        builder = load_dataset_builder(f"{organization}/{name}", *config)
    # It raises nearly everything: errors of its own, the Hub's, the network's.
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise UserError(f"cannot open 'hub:{rest}': {reason[0]}") from error
    files = builder.config.data_files or {}
    if split not in files:
        raise UserError(f"'hub:{rest}' has no split '{split}'; its splits are {', '.join(map(str, files))}")
    return _read_all(files[split], partial(_read, column=column))


def _read(place: str, column: str | None) -> Sequence[Shard]:
    """The images in a file of any kind that its ending tells."""
    name = PurePath(place).name
    if is_image(name):
        return [RemoteImage(name, place)]
    if name.endswith(ZIPS):
        return zip_shards(place)
    if name.endswith(TARS):
        return tar_shards(place)
    if name.startswith("metadata."):
        return []
    if name.endswith(TABLES):
        return parquet_shards(place, column)
    raise UserError(f"cannot stream '{place}', only images, {', '.join(ZIPS + TARS + TABLES)}")
