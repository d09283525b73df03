"""Files in, files out: which input becomes which output, and the step that makes it so."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from .pictures import READABLE, WRITABLE, check_output, read_picture, require_writable_name, save_picture
from .tiles import SCALE, Progress
from .upscaler import Upscaler


@dataclass(frozen=True)
class Job:
    """One picture file to enlarge, and the file that takes the result."""

    source: Path
    target: Path


def plan(inputs: Sequence[str], output: str | None = None) -> list[Job]:
    """Pair every input picture with its output. Nothing is read or written yet.

    | inputs        | without output          | with output                                             |
    |---------------|-------------------------|---------------------------------------------------------|
    | one file      | NAME_x4.png beside it   | that file (or into that folder, if it is, or ends in /) |
    | several files | NAME_x4.png beside each | into that folder, names kept                            |
    | folders       | FOLDER_x4/, names kept  | into that folder, names kept                            |

    Folders give the pictures that lie directly in them, by name. A kept name gets the ending .png where its
    own is none that can be written.

    Raises UserError: no such file (a missing one of several is left for its turn), no pictures in a folder,
    an output that has no known ending, equals an input or serves two inputs.
    """
    jobs: list[Job] = []
    for given in inputs:
        path = Path(given)
        if path.is_dir():
            folder = Path(output) if output else path.resolve().parent / f"{path.resolve().name}_x{SCALE}"
            jobs += [Job(source, folder / _kept_name(source)) for source in _pictures_in(path)]
        elif len(inputs) == 1 and not path.exists():
            raise UserError(f"there is no file '{path}'")
        elif output is None:
            jobs.append(Job(path, path.with_name(f"{path.stem}_x{SCALE}.png")))
        elif len(inputs) == 1 and not _is_folder(output):
            jobs.append(Job(path, Path(output)))
        else:
            jobs.append(Job(path, Path(output) / _kept_name(path)))
    for job in jobs:
        require_writable_name(job.target)
    _refuse_collisions(jobs)
    return jobs


def make_folders(jobs: Sequence[Job]) -> None:
    """Make the folders that the results go to, so that a wrong one is known before the work starts."""
    for folder in sorted({job.target.parent for job in jobs}):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder '{folder}': {error.strerror or error}") from error
        if not os.access(folder, os.W_OK):
            raise UserError(f"cannot write into the folder '{folder}'")


def upscale_file(upscaler: Upscaler, job: Job, progress: Progress | None = None) -> tuple[int, int]:
    """Read, enlarge, write; returns (width, height) of the result. UserError for a picture's own faults."""
    picture = read_picture(job.source)
    check_output(job.target, picture, SCALE)
    try:
        result = upscaler(picture, progress)
        save_picture(result, job.target)
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "memory" in str(error):
            raise UserError(f"not enough memory to enlarge '{job.source}'; try smaller tiles") from error
        raise
    return result.size


def _pictures_in(folder: Path) -> list[Path]:
    try:
        found = sorted(
            path
            for path in folder.iterdir()
            if path.suffix.lower() in READABLE and path.is_file() and not path.name.startswith(".")
        )
    except OSError as error:
        raise UserError(f"cannot read the folder '{folder}': {error.strerror or error}") from error
    if not found:
        raise UserError(f"there are no pictures in '{folder}'")
    return found


def _kept_name(source: Path) -> str:
    return source.name if source.suffix.lower() in WRITABLE else f"{source.stem}.png"


def _is_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    sources = {os.path.realpath(job.source) for job in jobs}
    taken: dict[str, Path] = {}
    for job in jobs:
        place = os.path.realpath(job.target)
        if place in sources:
            raise UserError(
                f"'{job.target}' is an input and would be overwritten; choose another output with -o"
            )
        if place in taken:
            both = f"'{taken[place]}' and '{job.source}'"
            raise UserError(f"{both} would both become '{job.target}'; upscale them one by one")
        taken[place] = job.source
