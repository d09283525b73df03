"""Standard input as an input image and standard output as the output, by way of temporary files."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from PIL import Image

from ...errors import UserError
from .naming import SAME, Naming

STANDARD = "-"
"""The name of standard input and standard output on the command line."""


class Streams(NamedTuple):
    """Inputs and output as files.

    Args:
        to_stdout: whether the output is copied to standard output at the end.
        hidden: the temporary folder, which messages leave out.
    """

    inputs: list[str]
    output: str | None
    to_stdout: bool = False
    hidden: str = ""


def _ending_of(file: Path) -> str:
    """The ending that the format of an image file usually has; empty for what is no image."""
    try:
        with Image.open(file) as image:
            return {"JPEG": ".jpg", "TIFF": ".tif"}.get(str(image.format), f".{str(image.format).lower()}")
    except Exception:  # Pillow raises nearly anything when a file is damaged; reading says so later
        return ""


@contextmanager
def standard_streams(inputs: list[str], output: str | None, naming: Naming) -> Iterator[Streams]:
    """Replace "-" by files: standard input is copied at once, the result when the block has ended.

    Args:
        output: "-" for standard output, which is also the default if the input is "-".
        naming: has the format for standard output.

    Raises UserError: more than one image, or standard output is a terminal.
    """
    if STANDARD not in inputs and output != STANDARD:
        yield Streams(inputs, output)
        return
    if inputs != [STANDARD] and (STANDARD in inputs or len(inputs) > 1 or Path(inputs[0]).is_dir()):
        raise UserError("standard input and output take one image")
    to_stdout = output in (None, STANDARD)
    if to_stdout and sys.stdout.isatty():
        raise UserError("standard output is a terminal, which cannot show an image; name a file with -o")
    with TemporaryDirectory() as folder:
        hidden = f"{folder}{os.sep}"
        source = Path(inputs[0])
        if inputs == [STANDARD]:
            source = Path(folder, "standard-input")
            with source.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
            if naming.format == SAME:
                source = source.rename(source.with_suffix(_ending_of(source)))
            inputs = [str(source)]
        if to_stdout:
            output = f"{hidden}standard-output{naming.ending(source)}"
        try:
            yield Streams(inputs, output, to_stdout, hidden)
        except UserError as error:
            raise UserError(str(error).replace(hidden, "")) from error
        if to_stdout:
            assert output is not None
            with Path(output).open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
