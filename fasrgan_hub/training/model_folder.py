"""The folder that a network beside a finished generator is written into."""

import shutil
from contextlib import suppress
from pathlib import Path

from ..errors import MissingFileError
from ..hub.model_files import CONFIG, DIFFICULTY, DISCRIMINATOR, LICENSE, WEIGHTS, ModelFiles
from ..images.atomic import explain_errors, make_folder, replace_file


def complete_model_folder(folder: str | Path, files: ModelFiles) -> None:
    """Copy what a folder lacks to be the model whose network was written into it, unless it is a model already.

    Args:
        folder: nothing that lies in it is replaced.
        files: of the generator; its license and the networks beside it are copied too, its card is not.

    Raises UserError where a file cannot be downloaded, and FileAccessError where one cannot be written.
    """
    if Path(folder, CONFIG).exists():
        return
    for part in (DISCRIMINATOR, DIFFICULTY, ""):  # the file that makes it a model comes last
        for name in (LICENSE, WEIGHTS, CONFIG):
            target = Path(folder, part, name)
            if not target.exists():
                with suppress(MissingFileError):
                    _copy(files.locate(name, part), target)


def _copy(source: Path, target: Path) -> None:
    make_folder(target.parent)
    with (
        explain_errors(f"cannot read '{source}'"),
        source.open("rb") as content,
        replace_file(target) as file,
    ):
        shutil.copyfileobj(content, file)
