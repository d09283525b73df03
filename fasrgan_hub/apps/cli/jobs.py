"""Which input becomes which output: a plan of the work, made before anything is read or written."""

import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import FileAccessError, MissingFileError, OverwriteError, UserError
from ...hub.model_files import DEFAULT_MODEL, is_foreign_file
from ...images.atomic import make_folder, remove_unfinished
from ...images.listing import READABLE
from ...images.writing import WRITABLE, format_of, require_writable_name, takes_quality
from .input_images import InputImage, find_images, is_pattern
from .naming import SAME, Naming


@dataclass(frozen=True)
class UpscaleJob:
    """One image file to enlarge, the file that takes the result, and the model that makes it."""

    source: Path
    target: Path
    model: str = DEFAULT_MODEL

    def is_done(self) -> bool:
        """Whether the target exists and is no older than the source."""
        try:
            return self.target.stat().st_mtime >= self.source.stat().st_mtime
        except OSError:
            return False


def plan(
    inputs: Sequence[str],
    output: str | None = None,
    *,
    models: Collection[str] = (DEFAULT_MODEL,),
    recursive: bool = False,
    naming: Naming | None = None,
) -> list[UpscaleJob]:
    """Pair every input image with its output, for each model in turn.

    | inputs            | without output          | with output                                                    |
    |-------------------|-------------------------|----------------------------------------------------------------|
    | one image         | NAME_x4.png beside it   | that file, or NAME.png in that folder (it exists or ends in /) |
    | several, patterns | NAME_x4.png beside each | NAME.png in that folder                                        |
    | folders           | NAME.png in FOLDER_x4/  | NAME.png in that folder; with `recursive` the tree is kept     |

    `naming` changes the ending and what is added to a name; with several models each adds its own name:
    NAME_x4_MODEL.png. Results of earlier runs are no inputs: files in the output, and files that a pattern matches
    and that have the name of another image's result.

    Raises UserError: a single file that does not exist (one of several fails in its turn), a folder or pattern
    without images, an output that has no name or no known ending, that is an input, that would take two results.
    """
    naming = naming or Naming()
    if output == "":
        raise UserError("the output has no name")
    names = {model: Path(model).stem if is_foreign_file(model) else Path(model).name for model in models}
    labels = {model: f"_{name}" if len(models) > 1 else "" for model, name in names.items()}
    images = [image for argument in inputs for image in find_images(argument, output, recursive)]
    one = len(inputs) == 1 and not is_pattern(inputs[0]) and not Path(inputs[0]).is_dir()
    if one and not images[0].source.exists():
        raise MissingFileError(f"there is no file '{images[0].source}'")
    if output is not None and _is_file_name(output, one):
        jobs = _into_file(images, output, labels, naming)
    else:
        if output is None:
            images = _without_results(images, labels.values(), naming)
        jobs = [
            UpscaleJob(image.source, naming.target(image, output, label), model)
            for model, label in labels.items()
            for image in images
        ]
    for job in jobs:
        require_writable_name(job.target)
    _refuse_collisions(jobs, naming)
    return jobs


def check_quality(jobs: Sequence[UpscaleJob], quality: int | None) -> None:
    """Raise UserError if a quality is given and no result has a format with one."""
    if quality is not None and jobs and not any(takes_quality(job.target) for job in jobs):
        raise UserError(
            f"--quality has no effect on {jobs[0].target.suffix}; choose jpg, webp, avif, heic or jxl with --format"
        )


def make_folders(jobs: Sequence[UpscaleJob]) -> None:
    """Make the folders of the results, so that a wrong one is known before the work starts.

    Partial files that a killed run left in them are removed.
    """
    for folder in sorted({job.target.parent for job in jobs}):
        if not os.access(make_folder(folder), os.W_OK):
            raise FileAccessError(f"cannot write into the folder '{folder}'")
        remove_unfinished(folder)


def _is_file_name(output: str, one: bool) -> bool:
    """Whether an output names a file: with an image's ending, or whatever its name for a single input file."""
    if output.endswith(("/", os.sep)) or Path(output).is_dir():
        return False
    return one or Path(output).suffix.lower() in READABLE | WRITABLE


def _into_file(
    images: Sequence[InputImage], output: str, labels: dict[str, str], naming: Naming
) -> list[UpscaleJob]:
    if len(images) > 1:
        raise UserError(f"'{output}' names one file, but there are {len(images)} images; name a folder")
    if naming.suffix is not None:
        raise UserError(f"'{output}' is the whole name of the result; leave --suffix out")
    require_writable_name(output)
    if naming.format is not None and format_of(output) != format_of(naming.target(images[0], ".", "")):
        raise UserError(f"'{output}' names the format by its ending; leave --format out")
    path = Path(output)
    return [
        UpscaleJob(images[0].source, path.with_stem(path.stem + label), model)
        for model, label in labels.items()
    ]


def _without_results(images: Sequence[InputImage], labels: Iterable[str], naming: Naming) -> list[InputImage]:
    """Leave out what a pattern matched and what is the result of another image."""
    origins: dict[str, set[Path]] = {}
    for image in images:
        for label in labels:
            target = os.path.realpath(naming.target(image, None, label))
            origins.setdefault(target, set()).add(image.source)
    return [
        image
        for image in images
        if not (image.matched and origins.get(os.path.realpath(image.source), set()) - {image.source})
    ]


def _refuse_collisions(jobs: Sequence[UpscaleJob], naming: Naming) -> None:
    sources = {os.path.realpath(job.source) for job in jobs}
    first: dict[str, UpscaleJob] = {}
    for job in jobs:
        place = os.path.realpath(job.target)
        if place in sources:
            raise OverwriteError(
                f"'{job.target}' is an input and would be overwritten; choose another output with -o or --suffix"
            )
        if other := first.get(place):
            raise UserError(_collision(other, job, naming))
        first[place] = job


def _collision(one: UpscaleJob, other: UpscaleJob, naming: Naming) -> str:
    if one.source == other.source:
        both = f"the results of '{one.model}' and '{other.model}'"
    else:
        both = f"'{one.source}' and '{other.source}'"
    advice = "process them one by one"
    if naming.format is None and one.source.suffix.lower() != other.source.suffix.lower():
        advice = f"keep their formats with --format {SAME}, or {advice}"
    return f"{both} would both become '{other.target}'; {advice}"
