"""Which file belongs to which: images of two folders paired by name."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from ..errors import MissingFileError, UserError
from ..images.listing import list_images

# What benchmark sets and programs append to a name: x4, x4m, _x4, _HR, _LR4, _SR, _bicubic, _SRF_4, or several.
SUFFIXES = re.compile(r"([-_. ]?x\d+[a-z]?|[-_. ](hr|gt|lr\d?|sr|bicubic|srf[-_.]?\d+))+$", re.IGNORECASE)


def pair(hr: Path, other: Path) -> list[tuple[Path, Path]]:
    """Every image of `hr` with its partner of `other`, in the order of their names.

    Partners are called alike, in the first of these ways that finds one: without extension; without `SUFFIXES` and
    whatever the case; without punctuation and leading zeros as well (img_001, img1); or the one name stands in the
    other as a word of its own: at its beginning (baby_FASRGAN), between punctuation (SR-baby_best), or between
    letters and digits (DIV2K0801). Longest names go first. Both may be folders or files; two files are a pair
    whatever they are called. Images of `other` that nothing in `hr` asks for are left out. UserError if an image
    has no partner, or several.
    """
    if hr.is_file() and other.is_file():
        return [(hr, other)]
    return pair_files(images(hr), images(other), other)


def pair_files(originals: Sequence[Path], others: Sequence[Path], place: Path) -> list[tuple[Path, Path]]:
    """As `pair`, of files already listed; `place` is where the others lie, for the message."""
    found: dict[Path, Path] = {}
    free = list(others)
    for alike in WAYS:
        for original in sorted(originals, key=lambda path: -len(_bare(path))):
            partners = [] if original in found else [path for path in free if alike(original, path)]
            if len(partners) > 1:
                names = " and ".join(path.name for path in partners[:2])
                raise UserError(f"'{place}' has {names}, both partners for {original.name}; keep one of them")
            if partners:
                found[original] = partners[0]
                free.remove(partners[0])
    missing = [original.name for original in originals if original not in found]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise MissingFileError(
            f"'{place}' has no partner for {missing[0]}{more}; images are paired by their names"
        )
    return [(original, found[original]) for original in originals]


def images(place: Path) -> list[Path]:
    """The images of a folder in the order of their names, or a single file.

    UserError if there are none, or two that differ only in their extension.
    """
    if place.is_file():
        return [place]
    found = sorted(list_images(place), key=lambda path: (path.stem, path.suffix))
    for before, after in pairwise(found):
        if before.stem == after.stem:
            raise UserError(f"'{place}' has {before.name} and {after.name}; keep one of them")
    return found


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


WAYS: tuple[Callable[[Path, Path], object], ...] = (
    lambda a, b: a.stem == b.stem,
    lambda a, b: _bare(a) == _bare(b),
    lambda a, b: re.fullmatch(_word(a), _bare(b)),
    lambda a, b: re.match(_word(a), _bare(b)),
    lambda a, b: re.search(rf"\b{_word(a)}\b", _bare(b).replace("_", "-")),
    lambda a, b: re.search(_word(a), _bare(b)),
)
"""How an original may name its partner, the surest way first."""
