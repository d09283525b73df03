"""Benchmarks by name, folder or archive (Section IV-B).

Whatever names a benchmark, it becomes folders of images: what comes from the Hub or out of an archive is unpacked
into the cache once, and read from there ever after.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from ..cache import cache_folder
from ..data.archives import tar_shards, zip_shards
from ..data.pairs import HR_FILES, LR_FILES, images, pair, pair_files, refuse_twins
from ..errors import FileAccessError, MissingFileError, UserError
from ..hub.model_files import SCALE
from ..images.atomic import create_folder
from ..images.listing import list_images
from .methods import plain_name, split_name
from .score_cache import content_hash

HUB = "hf://datasets"
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")

# How the sides of a pair are called, as folders and as endings of files that lie together.
HR_FOLDERS = re.compile(r"(.*[-_])?(hr|gt|gtmod\d+|original)", re.IGNORECASE)
LR_FOLDERS = r"(.*[-_])?(lr|lr_?(bicubic|bicx{0}|x{0})|lr_bicubic_x{0}|x{0})"


@dataclass(frozen=True)
class Published:
    """Where a benchmark comes from.

    Args:
        hr, lr: archives on the Hub; without `lr`, and at another scale than 4, the LR images are made by our bicubic.
        ask: for images that nobody may pass on: the address to ask at.
        part: the folder of the download that counts, at any depth; {} stands for the scale.
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
    "RealSR v3": Published(ask="https://github.com/csjcai/RealSR", part="Test/{}"),
}


@dataclass(frozen=True)
class Benchmark:
    """Originals, each with its LR image, `scale` times as small, or None: (hr, lr) in the order of names."""

    name: str
    pairs: tuple[tuple[Path, Path | None], ...]
    scale: int = SCALE

    @cached_property
    def key(self) -> str:
        """A hash of the files' content and the scale: the same images have the same key wherever they lie."""
        return content_hash((path for pair in self.pairs for path in pair if path), self.scale)


def open_benchmark(spec: str, scale: int = SCALE) -> Benchmark:
    """The benchmark that `spec` names: one of `BENCHMARKS`, a folder, an archive, or NAME=FOLDER_OR_ARCHIVE.

    A folder holds images (the originals), or an HR and an LR folder (LR, or one for each scale: LR_x2, LR_x4), or
    pairs such as a_HR.png and a_LR4.png, at any depth. Raises UserError if there is no such benchmark, it has to be
    asked for, or cannot be read or fetched.
    """
    name, place = split_name(spec)
    known = {plain_name(key): key for key in BENCHMARKS}.get(plain_name(_name_of(name)))
    if not Path(place).exists():
        if known is None or place != name:
            names = ", ".join(BENCHMARKS)
            raise MissingFileError(
                f"there is no benchmark '{place}': name {names}, a folder, an archive or NAME=FOLDER"
            )
        return _open_published(known, scale)
    folder = _unpack_local(Path(place)) if place.lower().endswith(ARCHIVES) else Path(place)
    if folder.is_file():
        return make_benchmark(folder, None, scale=scale)
    part = BENCHMARKS[known].part.format(scale) if known else ""
    return Benchmark(known or _name_of(name), _find_pairs(folder, place, scale, part), scale)


def make_benchmark(hr: Path, lr: Path | None, name: str = "", scale: int = SCALE) -> Benchmark:
    """The benchmark of a folder (or file) of originals and, optionally, one of LR images, paired by name."""
    pairs = pair(hr, lr) if lr else [(path, None) for path in images(hr)]
    return Benchmark(name or _name_of(str(hr)), tuple(pairs), scale)


def _name_of(place: str) -> str:
    """The name of a file or folder; of a folder that is just called HR or GT, that of the folder around it."""
    path = Path(place)
    if path.is_dir():
        path = path.resolve()
        side = HR_FOLDERS.fullmatch(path.name)
        return path.parent.name if side and not side[1] else path.name
    return path.name.split(".")[0]


def _open_published(name: str, scale: int) -> Benchmark:
    published = BENCHMARKS[name]
    if published.ask:
        raise UserError(
            f"{name} has to be asked for at {published.ask}; then name its folder: --set '{name}=FOLDER'"
        )
    folder = cache_folder() / "sets" / plain_name(name)
    lr = published.lr if scale == SCALE else ""
    for side, place in {"HR": published.hr, "LR": lr}.items():
        if place:
            _unpack(place, folder / side)
    return make_benchmark(folder / "HR", folder / "LR" if lr else None, name, scale)


def _unpack_local(archive: Path) -> Path:
    """The folder in the cache with the images of an archive of this machine, which keep their folders."""
    folder = cache_folder() / "sets" / f"{archive.name.split('.')[0]}-{content_hash([archive])[:12]}"
    _unpack(str(archive), folder, keep_folders=True)
    return folder


def _unpack(archive: str, folder: Path, keep_folders: bool = False) -> None:
    """Make a folder of the images of a local or remote archive, unless it exists."""
    if folder.is_dir():
        return
    shards = zip_shards(archive) if archive.endswith(".zip") else tar_shards(archive)
    with create_folder(folder) as unpacked:
        for row in (row for shard in shards for row in shard.rows()):
            parts = [part for part in PurePath(row["name"]).parts if part not in ("/", "..")]
            path = unpacked.joinpath(*(parts if keep_folders else parts[-1:]))
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                path.write_bytes(row["read"]())
            except OSError as error:
                raise FileAccessError(f"cannot read {row['name']} in '{archive}': {error}") from error
        if not any(unpacked.iterdir()):
            raise MissingFileError(f"'{archive}' holds no images")


def _find_pairs(folder: Path, place: str, scale: int, part: str = "") -> tuple[tuple[Path, Path | None], ...]:
    """The pairs below a folder, however it is laid out; only those in a folder `part` if there is one."""
    files = list_images(folder, recursive=True)
    files = [path for path in files if f"/{part}/" in path.as_posix()] or files
    if any(path.parent == folder for path in files):
        files = [path for path in files if path.parent == folder]  # folders beside images are something else
    high = [path for path in files if _is_side(path, folder, HR_FOLDERS, HR_FILES)]
    lr_folders = re.compile(LR_FOLDERS.format(scale), re.IGNORECASE)
    low = [path for path in files if _is_side(path, folder, lr_folders, LR_FILES)]
    if low and not high:
        raise UserError(f"'{place}' has LR images and no HR images; call their folder HR")
    originals = high or files
    for paths in (originals, low):
        refuse_twins(paths, place)
    if not low:
        return tuple((path, None) for path in originals)
    return tuple(pair_files(originals, low, Path(place)))


def _is_side(path: Path, top: Path, folders: re.Pattern[str], files: re.Pattern[str]) -> bool:
    """Whether a file belongs to the HR or the LR side, by its name or a folder around it."""
    inner = path.relative_to(top).parts[:-1]
    return bool(files.search(path.stem)) or any(folders.fullmatch(part) for part in inner)
