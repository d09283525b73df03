"""The image files that arguments name: files, folders and patterns."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from ...errors import FileAccessError, MissingFileError
from ...images.listing import is_image


@dataclass(frozen=True)
class InputImage:
    """An image file to enlarge.

    Args:
        place: its path relative to the folder or tree that was named; for others the file name.
        folder: the folder that was named, absolute; None for a file or a pattern.
        matched: whether a pattern matched it. Patterns also match results of earlier runs.
    """

    source: Path
    place: Path
    folder: Path | None = None
    matched: bool = False


def find_images(argument: str, output: str | None = None, recursive: bool = False) -> Iterator[InputImage]:
    """The images that one argument names; what lies in `output` is left out of folders and patterns.

    A folder stands for the images directly in it, with `recursive` for those of its whole tree; a pattern (*, ?,
    [ab], ** for any folders), for shells that do not expand it, for the images that match. Hidden files and
    folders are left out. A file need not exist.

    Raises MissingFileError if a folder or pattern gives no images, FileAccessError if a folder cannot be read.
    """
    if Path(argument).is_dir():
        folder = Path(argument).resolve()
        for path in _images_in(Path(argument), output, recursive):
            yield InputImage(path, path.relative_to(argument), folder)
    elif is_pattern(argument):
        yield from _matching_images(argument, output)
    else:
        yield InputImage(Path(argument), Path(Path(argument).name))


def is_pattern(argument: str) -> bool:
    return any(sign in argument for sign in "*?[") and not Path(argument).exists()


def _matching_images(pattern: str, output: str | None) -> Iterator[InputImage]:
    matches = sorted(glob(pattern, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
    paths = [path for path in map(Path, matches) if _is_image(path)]
    if not paths:
        raise MissingFileError(f"there are no images that match '{pattern}'")
    results = Path(output).resolve() if output else None
    inputs = [path for path in paths if results not in path.resolve().parents]
    for path in inputs or paths:
        yield InputImage(path, Path(path.name), matched=True)


def _images_in(folder: Path, output: str | None, recursive: bool) -> list[Path]:
    paths: list[Path] = []
    results = os.path.realpath(output) if output else None
    try:
        for place, folders, files in os.walk(folder, onerror=_raise):
            paths += [path for name in files if _is_image(path := Path(place, name))]
            folders[:] = [
                name
                for name in folders
                if recursive and name[0] != "." and os.path.realpath(Path(place, name)) != results
            ]
    except OSError as error:
        raise FileAccessError(
            f"cannot read the folder '{error.filename}': {error.strerror or error}"
        ) from error
    if not paths:
        raise MissingFileError(f"there are no images in '{folder}'")
    return sorted(paths)


def _raise(error: OSError) -> None:
    raise error


def _is_image(path: Path) -> bool:
    return is_image(path) and path.is_file()
