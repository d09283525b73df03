"""Which LR image, or result, belongs to which original: files paired by their names.

One set of rules for training data (`pairs:LR_DIR,HR_DIR`), benchmarks and finished results.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from ..errors import MissingFileError, UserError
from ..images.listing import list_images

# What benchmark sets and programs append to a name: x4, x4m, _x4, _HR, _LR4, _SR, _bicubic, _SRF_4, or several.
SUFFIXES = re.compile(r"([-_. ]?x\d+[a-z]?|[-_. ](hr|gt|lr\d?|sr|bicubic|srf[-_.]?\d+))+$", re.IGNORECASE)

HR_FILES = re.compile(r"[-_.](hr|gt)([-_.]?x\d+)?$", re.IGNORECASE)
LR_FILES = re.compile(r"[-_.]lr\d?([-_.]?x\d+|[-_.]bicubic)*$", re.IGNORECASE)
"""Names, without extension, that tell HR from LR images where both lie in one folder."""


def pair(hr: Path, other: Path) -> list[tuple[Path, Path]]:
    """Every image of `hr` with its partner of `other`, in the order of their names.

    Partners are called alike, in the first of these ways that finds one: without extension; without `SUFFIXES` and
    whatever the case; without punctuation and leading zeros as well (img_001, img1); or the one name stands in the
    other as a word of its own: at its beginning (baby_FASRGAN), between punctuation (SR-baby_best), or between
    letters and digits (DIV2K0801). Longest names go first. Both may be folders or files; two files are a pair
    whatever they are called. Images of `other` that nothing in `hr` asks for are left out.

    Raises UserError if an image has no partner, or several.
    """
    if hr.is_file() and other.is_file():
        return [(hr, other)]
    return pair_files(images(hr), images(other), other)


def pair_below(hr: Path, lr: Path) -> list[tuple[Path, Path]]:
    """As `pair`, of all images below `hr`, each with its partner in the folder of the same path below `lr`.

    Both may be one folder, as in RealSR (Canon_001_HR.png, Canon_001_LR4.png): `HR_FILES` and `LR_FILES` are paired.
    """
    others, originals = list_images(lr, recursive=True), list_images(hr, recursive=True)
    if hr == lr:
        originals = [path for path in originals if HR_FILES.search(path.stem)]
        others = [path for path in others if LR_FILES.search(path.stem)]
    high, low = _by_folder(originals, hr), _by_folder(others, lr)
    return [pair for name in high for pair in pair_files(high[name], low.get(name, []), lr / name)]


def pair_names(names: Sequence[str], results: Path) -> list[Path]:
    """For each name of an image, which may begin with folders, its partner in the folder of that path in `results`.

    Raises UserError if an image has no partner, or several.
    """
    files = _by_folder(list_images(results, recursive=True), results)
    images: dict[Path, list[Path]] = {}
    for path in map(Path, names):
        images.setdefault(path.parent, []).append(path)
    partners: dict[Path, Path] = {}
    for folder, inside in images.items():
        partners |= pair_files(inside, files.get(folder, []), results / folder)
    return [partners[Path(name)] for name in names]


def pair_files(originals: Sequence[Path], others: Sequence[Path], place: Path) -> list[tuple[Path, Path]]:
    """As `pair`, of files already listed; `place` is where the others lie, for the message."""
    partners: dict[Path, Path] = {}
    free = dict.fromkeys(others)

    def pair_up(original: Path, candidates: Iterable[Path]) -> None:
        fitting = [path for path in candidates if path in free]
        if len(fitting) > 1:
            names = " and ".join(path.name for path in fitting[:2])
            raise UserError(f"'{place}' has {names}, both partners for {original.name}; keep one of them")
        if fitting:
            partners[original] = fitting[0]
            del free[fitting[0]]

    def left() -> list[Path]:
        return sorted(
            (path for path in originals if path not in partners), key=lambda path: -len(_bare(path))
        )

    for name_of in (_stem, _bare):
        by_name: dict[str, list[Path]] = {}
        for path in free:
            by_name.setdefault(name_of(path), []).append(path)
        for original in left():
            pair_up(original, by_name.get(name_of(original), []))
    for contains in LOOSE_WAYS:
        for original in left():
            word = _word(original)
            pair_up(original, [path for path in free if contains(word, _bare(path))])
    if missing := [original.name for original in originals if original not in partners]:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MissingFileError(
            f"'{place}' has no partner for {missing[0]}{more}; images are paired by their names"
        )
    return [(original, partners[original]) for original in originals]


def images(place: Path) -> list[Path]:
    """The images of a folder in the order of their names, or a single file.

    UserError if there are none, or two that differ only in their extension.
    """
    if place.is_file():
        return [place]
    paths = list_images(place)
    refuse_twins(paths, place)
    return sorted(paths, key=_by_stem)


def _by_folder(paths: Iterable[Path], top: Path) -> dict[Path, list[Path]]:
    """Files by their folder's path below `top`. Raises UserError for two that differ only in their extension."""
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        folders.setdefault(path.parent.relative_to(top), []).append(path)
    for name, files in folders.items():
        refuse_twins(files, top / name)
    return folders


def refuse_twins(paths: Iterable[Path], place: Path | str) -> None:
    """Raise UserError for two files that differ only in their extension or folder."""
    for before, after in pairwise(sorted(paths, key=_by_stem)):
        if before.stem == after.stem:
            names = f"{before.name} and {after.name}"
            raise UserError(f"'{place}' has two images named {before.stem}, {names}; keep one of them")


def _by_stem(path: Path) -> tuple[str, str]:
    return path.stem, path.suffix


def _stem(path: Path) -> str:
    return path.stem


def _bare(path: Path) -> str:
    return (SUFFIXES.sub("", path.stem) or path.stem).lower()


def _word(path: Path) -> str:
    """A pattern for the bare name as a word of its own: between letters and digits, punctuation or the ends.

    Within it punctuation and leading zeros do not count.
    """
    name = _bare(path)
    parts = re.findall(r"\d+|[^\W\d_]+", name)
    if not parts:
        return re.escape(name)
    before = r"(?<!\d)" if parts[0].isdigit() else r"(?<![^\W\d_])"
    after = r"(?!\d)" if parts[-1].isdigit() else r"(?![^\W\d_])"
    return before + r"[\W_]*".join(re.sub(r"^0*(?=\d)", "0*", part) for part in parts) + after


LOOSE_WAYS: tuple[Callable[[str, str], object], ...] = (
    re.fullmatch,
    re.match,
    lambda word, name: re.search(rf"\b{word}\b", name.replace("_", "-")),
    re.search,
)
"""How the word of an original may stand in a partner's bare name, the surest way first."""
