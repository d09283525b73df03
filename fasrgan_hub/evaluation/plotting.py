"""Figures of matplotlib, made without a display and written as files."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from ..extras import import_extra
from ..images.atomic import replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".pdf", ".svg")


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of so many inches; raises MissingPackageError without matplotlib."""
    module = import_extra("matplotlib.figure", "a figure", "evaluate")
    return module.Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: "Figure", path: str | Path, dpi: int = 110) -> None:
    """Write a figure; the ending of `path`, one of `FORMATS`, names the format."""
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise UserError(f"'{path}' must end in {', '.join(FORMATS)}")
    with replace_file(path) as file:
        figure.savefig(file, format=ending[1:], dpi=dpi)
