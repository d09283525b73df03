"""Which file belongs to which: pictures of two folders paired by name."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from ..errors import UserError
from ..upscaling.reading import READABLE

# What benchmark sets and programs append to a name: x4, x4m, _x4, _HR, _LR4, _SR, _bicubic, _SRF_4, or several.
SUFFIXES = re.compile(r"([-_. ]?x\d+[a-z]?|[-_. ](hr|gt|lr\d?|sr|bicubic|srf[-_.]?\d+))+$", re.IGNORECASE)


def pair(hr: Path, other: Path) -> list[tuple[Path, Path]]:
    """Every picture of `hr` with its partner of `other`, in the order of their names.

    Partners are called alike, in the first of these ways that finds one: without extension; without `SUFFIXES` and
    whatever the case; without punctuation as well (img_001, img001); or the one name stands in the other as a word
    of its own (baby, baby_FASRGAN, SR-baby_best), where the longest name goes first. Both may be folders or files;
    two files are a pair whatever they are called. Pictures of `other` that nothing in `hr` asks for are left out.
    UserError if a picture has no partner, or several.
    """
    if hr.is_file() and other.is_file():
        return [(hr, other)]
    return pair_files(pictures(hr), pictures(other), other)


def pair_files(originals: Sequence[Path], others: Sequence[Path], place: Path) -> list[tuple[Path, Path]]:
    """As `pair`, of files already listed; `place` is where the others lie, for the message."""
    found: dict[Path, Path] = {}
    keys: list[Callable[[Path], str]] = [lambda path: path.stem, _bare, lambda path: _squeezed(_bare(path))]
    for key in keys:
        _match(found, originals, others, place, lambda a, b, key=key: key(a) == key(b))  # type: ignore[misc]
    for original in sorted(originals, key=lambda path: -len(_bare(path))):
        _match(found, [original], others, place, lambda a, b: _is_word_of(_bare(a), b.stem.lower()))
    missing = [original.name for original in originals if original not in found]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UserError(
            f"'{place}' has no partner for {missing[0]}{more}; pictures are paired by their names"
        )
    return [(original, found[original]) for original in originals]


def pictures(place: Path) -> list[Path]:
    """The pictures of a folder in the order of their names, or a single file.

    UserError if there are none, or two that differ only in their extension.
    """
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise UserError(f"there is no file or folder '{place}'")
    found = sorted(
        (
            path
            for path in place.iterdir()
            if path.suffix.lower() in READABLE and path.is_file() and not path.name.startswith(".")
        ),
        key=lambda path: (path.stem, path.suffix),
    )
    if not found:
        raise UserError(f"'{place}' holds no pictures ({', '.join(sorted(READABLE))})")
    for before, after in pairwise(found):
        if before.stem == after.stem:
            raise UserError(f"'{place}' has {before.name} and {after.name}; keep one of them")
    return found


def _match(
    found: dict[Path, Path],
    originals: Sequence[Path],
    others: Sequence[Path],
    place: Path,
    alike: Callable[[Path, Path], bool],
) -> None:
    """Add to `found` what is alike and has no partner yet."""
    taken = set(found.values())
    for original in originals:
        if original in found:
            continue
        partners = [path for path in others if path not in taken and alike(original, path)]
        if len(partners) > 1:
            names = " and ".join(path.name for path in partners[:2])
            raise UserError(f"'{place}' has {names}, both partners for {original.name}; keep one of them")
        if partners:
            found[original] = partners[0]


def _bare(path: Path) -> str:
    return (SUFFIXES.sub("", path.stem) or path.stem).lower()


def _squeezed(name: str) -> str:
    return re.sub(r"[\W_]", "", name) or name


def _is_word_of(word: str, name: str) -> bool:
    """Whether `word` stands in `name` between letters and digits of another kind, punctuation or the ends."""
    before = r"(?<!\d)" if word[0].isdigit() else r"(?<![^\W\d_])"
    after = r"(?!\d)" if word[-1].isdigit() else r"(?![^\W\d_])"
    return re.search(before + re.escape(word) + after, name) is not None
