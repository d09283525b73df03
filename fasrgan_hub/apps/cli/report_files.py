"""Files that a command writes beside what it prints: they are checked before the work."""

from collections.abc import Sequence
from pathlib import Path

from ...errors import MissingFileError, OverwriteError, UserError


def check_report_file(path: str | None, endings: Sequence[str], *folders: str | None) -> None:
    """Raise UserError, before the work, for a report that cannot be written, or would lie among the images it is of.

    Args:
        path: of the report; None for none.
        endings: one of which its name must have.
        folders: with images.
    """
    if path is None:
        return
    place = Path(path)
    if place.suffix.lower() not in endings:
        raise UserError(f"'{path}' must end in {', '.join(endings)}")
    if not place.absolute().parent.is_dir():
        raise MissingFileError(f"there is no folder '{place.parent}' for '{place.name}'")
    if place.resolve().parent in {Path(folder).resolve() for folder in folders if folder}:
        raise OverwriteError(f"'{path}' would lie among the images; choose another folder")
