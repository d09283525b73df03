"""Benchmark sets by name, folder or archive (Section IV-B).

Whatever a set is named by, it becomes folders of images: what comes from the Hub or out of an archive is unpacked
into the cache once, and read from there ever after.
"""

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from ..cache import cache_folder
from ..data.archives import Row, is_image, tar_shards, zip_shards
from ..errors import FileAccessError, MissingFileError, MissingPackageError, NetworkError, UserError
from .pairs import images, pair_files

HUB = "hf://datasets"
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")

# How the sides of a pair are called, as folders and as endings of files that lie together.
HR_FOLDERS = re.compile(r"(.*[-_])?(hr|gt|gtmod\d+|original)", re.IGNORECASE)
LR_FOLDERS = re.compile(r"(.*[-_])?(lr|lr_?(bicubic|bicx4|x4)|lr_bicubic_x4|x4)", re.IGNORECASE)
HR_FILES = re.compile(r"[-_.](hr|gt)$", re.IGNORECASE)
LR_FILES = re.compile(r"[-_.](lr4?|lr[-_]?x4)$", re.IGNORECASE)


@dataclass(frozen=True)
class Published:
    """Where a benchmark set is to be had.

    Args:
        hr, lr: archives on the Hub; without `lr` the small images are made by our bicubic.
        ask: for a set that nobody may pass on: where it is asked for.
        part: the folder of it that counts, wherever it lies in what one gets.
    """

    hr: str = ""
    lr: str = ""
    ask: str = ""
    part: str = ""


def _eugenesiow(name: str) -> Published:
    place = f"{HUB}/eugenesiow/{name}/data/{name}"
    return Published(f"{place}_HR.tar.gz", f"{place}_LR_x4.tar.gz")


DIV2K = f"{HUB}/goodfellowliu/DIV2K/DIV2K_valid"
PIRM = f"{HUB}/eugenesiow/PIRM/data/PIRM"

BENCHMARKS: dict[str, Published] = {
    "Set5": _eugenesiow("Set5"),
    "Set14": _eugenesiow("Set14"),
    "BSD100": _eugenesiow("BSD100"),
    "Urban100": _eugenesiow("Urban100"),
    "DIV2K val": Published(f"{DIV2K}_HR.zip", f"{DIV2K}_LR_bicubic_X4.zip"),
    "PIRM val": Published(f"{PIRM}_valid_HR.tar.gz"),
    "PIRM test": Published(f"{PIRM}_test_HR.tar.gz"),
    "Manga109": Published(ask="http://www.manga109.org/en/download.html"),
    "RealSR v3": Published(ask="https://github.com/csjcai/RealSR", part="Test/4"),
}


@dataclass(frozen=True)
class Benchmark:
    """Originals and, where there are some, the small images that a model gets: (hr, lr) in the order of names."""

    name: str
    pairs: tuple[tuple[Path, Path | None], ...]

    @cached_property
    def key(self) -> str:
        """A hash of what the files contain: the same images have the same key wherever they lie."""
        return content_hash(path for pair in self.pairs for path in pair if path)


def open_benchmark(spec: str) -> Benchmark:
    """The set that `spec` names: one of `BENCHMARKS`, a folder, an archive, or NAME=FOLDER_OR_ARCHIVE.

    A folder holds images (the originals), or an HR and an LR folder, or pairs such as a_HR.png and a_LR4.png, at
    any depth. UserError if there is no such set, it has to be asked for, or cannot be read or fetched.
    """
    name, place = spec.split("=", 1) if "=" in spec and not Path(spec).exists() else (spec, spec)
    known = {_plain(key): key for key in BENCHMARKS}.get(_plain(_called(name)))
    if not Path(place).exists():
        if known is None or place != name:
            names = ", ".join(BENCHMARKS)
            raise MissingFileError(
                f"there is no set '{place}': name {names}, a folder, an archive or NAME=FOLDER"
            )
        return _published(known)
    folder = _unpacked(Path(place)) if place.lower().endswith(ARCHIVES) else Path(place)
    if folder.is_file():
        return make_benchmark(folder, None)
    part = BENCHMARKS[known].part if known else ""
    return Benchmark(known or _called(name), _found_in(folder, place, part))


def make_benchmark(hr: Path, lr: Path | None, name: str = "") -> Benchmark:
    """The set of a folder (or file) of originals and, if given, one of small images, paired by name."""
    originals = images(hr)
    name = name or _called(str(hr))
    if lr is None:
        return Benchmark(name, tuple((path, None) for path in originals))
    if hr.is_file() and lr.is_file():
        return Benchmark(name, ((hr, lr),))
    return Benchmark(name, tuple(pair_files(originals, images(lr), lr)))


def content_hash(files: Iterable[Path], *words: object) -> str:
    """32 hexadecimal digits for the names and the bytes of files, and for whatever else is told."""
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    digest.update(repr(words).encode())
    return digest.hexdigest()[:32]


def _called(place: str) -> str:
    """What a set is called after its file or folder, or after the folder around one that is but called HR."""
    path = Path(place)
    if path.is_dir():
        path = path.resolve()
        side = HR_FOLDERS.fullmatch(path.name)
        return path.parent.name if side and not side[1] else path.name
    return path.name.split(".")[0]


def _plain(name: str) -> str:
    """Div2k-Val and "DIV2K val" are the same set."""
    return re.sub(r"[\W_]", "", name).lower()


def _published(name: str) -> Benchmark:
    published = BENCHMARKS[name]
    if published.ask:
        raise UserError(
            f"{name} has to be asked for at {published.ask}; then name its folder: --set '{name}=FOLDER'"
        )
    folder = cache_folder() / "sets" / _plain(name)
    sides = {"HR": published.hr, "LR": published.lr}
    for side, place in sides.items():
        if place and not (folder / side).is_dir():
            _write(_remote(place), folder / side, place)
    return make_benchmark(folder / "HR", folder / "LR" if published.lr else None, name)


def _remote(place: str) -> Iterator[Row]:
    """The images of an archive on the Hub: a tar through datasets' own reader, a zip by exact ranges."""
    if place.endswith(".zip"):
        for span in zip_shards(place):
            yield from span.rows()
        return
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise MissingPackageError(
            "benchmark sets of the Hub need datasets; pip install 'fasrgan-hub[evaluate]'"
        ) from error
    try:
        rows = load_dataset("webdataset", data_files={"test": place}, split="test", streaming=True)
        for row in rows.decode(False):
            for column, value in row.items():
                if isinstance(value, dict) and is_image(f"a.{column}"):
                    yield {"name": f"{row['__key__']}.{column}", "read": lambda data=value["bytes"]: data}
    # It raises nearly everything: errors of its own, the Hub's, the network's.
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise NetworkError(f"cannot fetch '{place}': {reason[0]}") from error


def _unpacked(archive: Path) -> Path:
    """The folder in the cache with the images of a local archive, which keep their folders."""
    folder = cache_folder() / "sets" / f"{archive.name.split('.')[0]}-{content_hash([archive])[:12]}"
    if not folder.is_dir():
        shards = zip_shards(str(archive)) if archive.suffix == ".zip" else tar_shards(str(archive))
        _write((row for shard in shards for row in shard.rows()), folder, str(archive), keep_folders=True)
    return folder


def _write(rows: Iterable[Row], folder: Path, place: str, keep_folders: bool = False) -> None:
    """Write images aside, then move the folder: it is there whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as aside:
        count = 0
        for row in rows:
            parts = [part for part in PurePath(row["name"]).parts if part not in ("/", "..")]
            path = Path(aside, "set", *(parts if keep_folders else parts[-1:]))
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.write_bytes(row["read"]())
            except OSError as error:
                raise FileAccessError(f"cannot read {row['name']} in '{place}': {error}") from error
            count += 1
        if not count:
            raise MissingFileError(f"'{place}' holds no images")
        if not folder.is_dir():  # another process may have been quicker
            shutil.move(Path(aside, "set"), folder)


def _found_in(folder: Path, place: str, part: str = "") -> tuple[tuple[Path, Path | None], ...]:
    """The pairs below a folder, however it is laid out; only those in `part` if it has such."""
    files = sorted(path for path in folder.rglob("*") if is_image(path.name))
    files = [path for path in files if f"/{part}/" in path.as_posix()] or files
    if not files:
        raise MissingFileError(f"'{place}' holds no images")
    if any(path.parent == folder for path in files):
        files = [path for path in files if path.parent == folder]  # folders beside images are something else
    high = [path for path in files if _is(path, folder, HR_FOLDERS, HR_FILES)]
    low = [path for path in files if _is(path, folder, LR_FOLDERS, LR_FILES)]
    if not low:
        return tuple((path, None) for path in _distinct(high or files, place))
    if not high:
        raise UserError(f"'{place}' has LR images and no HR images; call their folder HR")
    return tuple(pair_files(_distinct(high, place), _distinct(low, place), Path(place)))


def _is(path: Path, top: Path, folders: re.Pattern[str], files: re.Pattern[str]) -> bool:
    inner = path.relative_to(top).parts[:-1]
    return bool(files.search(path.stem)) or any(folders.fullmatch(part) for part in inner)


def _distinct(files: list[Path], place: str) -> list[Path]:
    for path in files:
        twins = [other for other in files if other.stem == path.stem]
        if len(twins) > 1:
            raise UserError(f"'{place}' has {twins[0].name} twice; keep one of them")
    return files
