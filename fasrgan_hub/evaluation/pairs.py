"""Which file belongs to which: pictures of two folders paired by name."""

import re
from itertools import pairwise
from pathlib import Path

from ..errors import UserError
from ..upscaling.pictures import READABLE

# What benchmark sets and programs append to a name: x4, _x4, _HR, _LR, _SR, _bicubic, _SRF_4, or several.
SUFFIXES = re.compile(r"([-_.]?x\d+|[-_.](hr|lr|sr|bicubic|srf[-_.]?\d+))+$", re.IGNORECASE)


def pair(hr: Path, other: Path) -> list[tuple[Path, Path]]:
    """Every picture of `hr` with its partner of `other`, in the order of their names.

    Partners have the same name without extension, or failing that the same name without `SUFFIXES`. Both may
    be folders or files; two files are a pair whatever they are called. Pictures of `other` that nothing in
    `hr` asks for are left out. UserError if a picture has no partner, or several.
    """
    if hr.is_file() and other.is_file():
        return [(hr, other)]
    partners = pictures(other)
    return [(picture, _partner(picture, partners, other)) for picture in pictures(hr)]


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


def _partner(picture: Path, partners: list[Path], place: Path) -> Path:
    found = [path for path in partners if path.stem == picture.stem] or [
        path for path in partners if _bare(path.stem) == _bare(picture.stem)
    ]
    if not found:
        raise UserError(f"'{place}' has no partner for {picture.name}; pictures are paired by their names")
    if len(found) > 1:
        names = " and ".join(path.name for path in found[:2])
        raise UserError(f"'{place}' has {names}, both partners for {picture.name}; keep one of them")
    return found[0]


def _bare(stem: str) -> str:
    return SUFFIXES.sub("", stem) or stem
