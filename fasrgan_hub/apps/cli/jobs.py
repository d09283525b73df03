"""Which input becomes which output: a plan of the work, made before anything is read or written."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from ...errors import FileAccessError, MissingFileError, OverwriteError, UserError
from ...hub.model_files import DEFAULT_MODEL
from ...images.atomic import remove_unfinished
from ...images.reading import READABLE
from ...images.writing import WRITABLE, require_writable_name


@dataclass(frozen=True)
class UpscaleJob:
    """One image file to enlarge, the file that takes the result, and the model that makes it."""

    source: Path
    target: Path
    model: str = DEFAULT_MODEL

    def is_done(self) -> bool:
        """Whether the target is there and no older than the source."""
        try:
            return self.target.stat().st_mtime >= self.source.stat().st_mtime
        except OSError:
            return False


@dataclass(frozen=True)
class Found:
    """An input image, and where it lies in the folder or tree that it was found in.

    Args:
        matched: whether a pattern found it, which finds the results of the last time too.
    """

    source: Path
    place: Path
    folder: Path | None = None
    matched: bool = False


def plan(
    inputs: Sequence[str],
    output: str | None = None,
    *,
    models: Sequence[str] = (DEFAULT_MODEL,),
    scale: float = 4,
    recursive: bool = False,
) -> list[UpscaleJob]:
    """Pair every input image with its output, for each model in turn.

    | inputs        | without output          | with output                                             |
    |---------------|-------------------------|---------------------------------------------------------|
    | one file      | NAME_x4.png beside it   | that file (or into that folder, if it is, or ends in /) |
    | several files | NAME_x4.png beside each | into that folder, names kept                            |
    | "*.jpg"       | NAME_x4.png beside each | into that folder, names kept                            |
    | folders       | FOLDER_x4/, names kept  | into that folder, names kept                            |

    A folder gives the images that lie directly in it, with `recursive` those of the whole tree, which the output
    repeats; a pattern (*, ?, [ab], ** for any folders), which is for shells that leave it as it is, the images
    that it matches. Hidden ones are left out, and so are earlier results: what lies in the output or has the name
    that another image's result gets. A kept name gets the ending .png where its own is none that can be written.
    The x4 is the scale's; with several models each adds its name: NAME_x4_MODEL.png.

    Raises UserError: no such file (a missing one of several is left for its turn), no images in a folder or for a
    pattern, an output that has no name, no known ending, equals an input or serves two inputs.
    """
    if output == "":
        raise UserError("the output has no name")
    mark = f"_x{scale:g}"
    labels = {model: f"_{Path(model).name}" if len(models) > 1 else "" for model in models}
    found = [image for given in inputs for image in _find(given, output, recursive)]
    one = len(inputs) == 1 and not _is_pattern(inputs[0]) and not Path(inputs[0]).is_dir()
    if one and not found[0].source.exists():
        raise MissingFileError(f"there is no file '{found[0].source}'")

    def target(image: Found, label: str) -> Path:
        if output is not None and one and not _is_folder(output):
            return Path(output).with_stem(Path(output).stem + label) if label else Path(output)
        if output is None and image.folder is None:
            return image.source.with_name(f"{image.source.stem}{mark}{label}.png")
        folder = Path(output) if output else image.folder.with_name(image.folder.name + mark)  # type: ignore[union-attr]
        ending = image.place.suffix if image.place.suffix.lower() in WRITABLE else ".png"
        return folder / image.place.with_name(f"{image.place.stem}{label}{ending}")

    if output is None:
        results = {os.path.realpath(target(image, label)) for label in labels.values() for image in found}
        found = [each for each in found if not (each.matched and os.path.realpath(each.source) in results)]
    jobs = [
        UpscaleJob(image.source, target(image, label), model)
        for model, label in labels.items()
        for image in found
    ]
    for job in jobs:
        require_writable_name(job.target)
    _refuse_collisions(jobs)
    return jobs


def make_folders(jobs: Sequence[UpscaleJob]) -> None:
    """Make the folders that the results go to, so that a wrong one is known before the work starts.

    Half images that a killed run left in them are removed.
    """
    for folder in sorted({job.target.parent for job in jobs}):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileAccessError(f"cannot make the folder '{folder}': {error.strerror or error}") from error
        if not os.access(folder, os.W_OK):
            raise FileAccessError(f"cannot write into the folder '{folder}'")
        remove_unfinished(folder)


def _find(given: str, output: str | None, recursive: bool) -> Iterator[Found]:
    if Path(given).is_dir():
        folder = Path(given).resolve()
        for path in _images_in(Path(given), output, recursive):
            yield Found(path, path.relative_to(given), folder)
    elif _is_pattern(given):
        matches = sorted(glob(given, recursive=True))  # noqa: PTH207 (Path.glob takes no absolute pattern)
        paths = [path for path in map(Path, matches) if _is_image(path)]
        if not paths:
            raise MissingFileError(f"there are no images that match '{given}'")
        results = Path(output).resolve() if output else None
        fresh = [path for path in paths if results not in path.resolve().parents]
        yield from (Found(path, Path(path.name), matched=True) for path in fresh or paths)
    else:
        yield Found(Path(given), Path(Path(given).name))


def _images_in(folder: Path, output: str | None, recursive: bool) -> list[Path]:
    """Sorted; without what lies in hidden folders or in the output, if that is inside."""
    found: list[Path] = []
    results = os.path.realpath(output) if output else None
    try:
        for place, folders, files in os.walk(folder, onerror=_raise):
            found += [path for name in files if _is_image(path := Path(place, name))]
            folders[:] = [
                name
                for name in folders
                if recursive and name[0] != "." and os.path.realpath(Path(place, name)) != results
            ]
    except OSError as error:
        raise FileAccessError(
            f"cannot read the folder '{error.filename}': {error.strerror or error}"
        ) from error
    if not found:
        raise MissingFileError(f"there are no images in '{folder}'")
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in READABLE and path.is_file() and not path.name.startswith(".")


def _is_pattern(given: str) -> bool:
    return any(sign in given for sign in "*?[") and not Path(given).exists()


def _is_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or Path(output).is_dir()


def _refuse_collisions(jobs: Sequence[UpscaleJob]) -> None:
    sources = {os.path.realpath(job.source) for job in jobs}
    taken: dict[str, UpscaleJob] = {}
    for job in jobs:
        place = os.path.realpath(job.target)
        if place in sources:
            raise OverwriteError(
                f"'{job.target}' is an input and would be overwritten; choose another output with -o"
            )
        if other := taken.get(place):
            if other.source == job.source:
                both = f"the results of '{other.model}' and '{job.model}'"
            else:
                both = f"'{other.source}' and '{job.source}'"
            raise UserError(f"{both} would both become '{job.target}'; upscale them one by one")
        taken[place] = job
