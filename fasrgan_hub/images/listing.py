"""Which files of a folder are images."""

from pathlib import Path, PurePath

from ..errors import MissingFileError

READABLE = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jpeg", ".jpg", ".jxl", ".png", ".tif", ".tiff", ".webp"}
)
"""Endings of image files. A file that is named outright is tried whatever it is called."""


def is_image(name: str | PurePath) -> bool:
    """Whether a file's name is an image's. Names that begin with a dot are the system's own."""
    path = PurePath(name)
    return path.suffix.lower() in READABLE and not path.name.startswith(".")


def list_images(folder: str | Path, recursive: bool = False) -> list[Path]:
    """The image files in a folder, or below it, sorted by path.

    Raises MissingFileError if there is no such folder, or it holds no images.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f"there is no folder '{folder}'")
    paths = folder.rglob("*") if recursive else folder.iterdir()
    images = sorted(path for path in paths if is_image(path) and path.is_file())
    if not images:
        raise MissingFileError(f"there are no images in '{folder}' ({', '.join(sorted(READABLE))})")
    return images
