"""How results are named."""

import os
from dataclasses import dataclass
from pathlib import Path

from ...errors import UserError
from ...images.writing import WRITABLE
from .input_images import InputImage

SAME = "same"
"""The `--format` that gives each result the format of its input."""


@dataclass(frozen=True)
class Naming:
    """How results are named where the output is not itself the name of a file.

    Args:
        scale: the default suffix is _x and this number.
        suffix: added to every name; None: the default beside an input, nothing in a folder of results.
        format: "png", "jpg", ... or "same" for the input's; None: PNG.
    """

    scale: float = 4
    suffix: str | None = None
    format: str | None = None

    def __post_init__(self) -> None:
        if self.format not in (None, SAME) and self._format_ending not in WRITABLE:
            formats = ", ".join(sorted(ending[1:] for ending in WRITABLE))
            raise UserError(f"--format is '{self.format}'; it can be {SAME}, {formats}")
        if self.suffix and ("/" in self.suffix or os.sep in self.suffix):
            raise UserError(f"--suffix is '{self.suffix}'; it is a part of a file's name, without {os.sep}")

    @property
    def _format_ending(self) -> str:
        return "." + (self.format or "png").lower().lstrip(".")

    @property
    def default_suffix(self) -> str:
        return f"_x{self.scale:g}"

    def target(self, image: InputImage, output: str | None, label: str) -> Path:
        """Where the result goes: into the folder `output`, or beside the input.

        Args:
            label: the model's part of the name, empty if there is one model.
        """
        if output is None and image.folder is None:
            suffix = self.default_suffix if self.suffix is None else self.suffix
            return image.source.with_name(self._file_name(image.place, suffix + label))
        if output is None:
            assert image.folder is not None
            folder = image.folder.with_name(image.folder.name + self.default_suffix)
        else:
            folder = Path(output)
        return folder / image.place.with_name(self._file_name(image.place, (self.suffix or "") + label))

    def ending(self, source: Path) -> str:
        """The ending of the result's name, such as ".png"."""
        own = source.suffix
        if self.format == SAME:
            return own if own.lower() in WRITABLE else ".png"
        return own if own.lower() == self._format_ending else self._format_ending  # a.PNG stays .PNG

    def _file_name(self, place: Path, addition: str) -> str:
        return f"{place.stem}{addition}{self.ending(place)}"
