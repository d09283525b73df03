"""Copies of a run's own degradations in its folder: without them nobody could repeat the run."""

from pathlib import Path

from ..data.degradations.parsing import named_files
from ..errors import UserError
from ..images.atomic import replace_file

FOLDER = "degradations"


def keep_copies(degradation: str, run: Path) -> None:
    """Copy the YAML files of a degradation into the folder of a run.

    Raises UserError where a copy is there and differs: the run was begun with another degradation.
    """
    files = named_files(degradation)
    for path in files:
        if [other.name for other in files].count(path.name) > 1:
            raise UserError(f"data.degradation has two files called {path.name}; rename one")
        content, copy = path.read_bytes(), run / FOLDER / path.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            with replace_file(copy) as file:
                file.write(content)
        elif copy.read_bytes() != content:
            raise UserError(
                f"'{path}' is not what it was when this run was begun, which is in '{copy}'; a resumed run keeps it"
            )


def read_copies(run: Path) -> dict[str, str]:
    """Name -> text of each copy."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted((run / FOLDER).glob("*"))}
