"""`fasrgan score-map`: Show where an image looks generated, or where its result is likely wrong or invented."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import OverwriteError, UserError
from ...hub.model_files import DEFAULT_MODEL
from ...images.atomic import make_folder, replace_file
from ...images.writing import require_writable_name
from .exit_status import do_each
from .options import argument, option

if TYPE_CHECKING:
    from ...images.decoded import DecodedImage
    from ...upscaling.maps import ResultMap

    Made = tuple[ResultMap | None, DecodedImage, str]
    Make = Callable[[DecodedImage, str], Made]
    """An image and its name -> the map, the image that it is of, and the line to print."""


KINDS = ("error", "generated", "invented")
"""Those of `upscaling.maps`, which need not be loaded for the help."""


@dataclass
class Options:
    inputs: list[str] = argument("IMAGE", nargs="+")
    """image files and folders of images"""
    output: str | None = option("OUT", "-o")
    """a file for one image, a folder for several (made if absent); default: NAME_scores.png beside each"""
    model: str = option(default=DEFAULT_MODEL)
    """the model with the discriminator: bundled, a folder or a Hub id (default: %(default)s)"""
    revision: str | None = option("R")
    """branch, tag or commit of a Hub id"""
    kind: str | None = option(choices=KINDS)
    """enlarge the images and show the result's map: error, the gray levels that each pixel is likely to be off;
    generated, near 1 photographed, near 0 generated; invented, the difference from the L1-stage model in gray levels
    (default: the images themselves are scored)"""
    view: str = option(default="sheet", choices=("sheet", "heat", "overlay"))
    """sheet: overlay, heat map and color bar on one page; heat, overlay: one of them in the image's size (default:
    sheet)"""
    array: str | None = option("FILE")
    """also write the map as float32, scores in [0, 1], the others in [0, 255]: a .npy file, for several images a
    folder"""
    score: bool = False
    """print the mean and draw nothing"""


def run(options: Options) -> int:
    """Draw the discriminator's score of each pixel, near 1 photographed, near 0 generated, and print the mean."""
    sources = [source for name in options.inputs for source in _list_images(Path(name))]
    drawings = (
        [None] * len(sources)
        if options.score
        else _plan_targets(sources, options.output, ".png", options.kind)
    )
    for drawing in filter(None, drawings):
        require_writable_name(drawing)
    arrays = _plan_targets(sources, options.array, ".npy") if options.array else [None] * len(sources)
    for array in filter(None, arrays):
        if array.suffix != ".npy":
            raise UserError(f"cannot write the map to '{array}': its name must end in .npy")
    make = _mapper(options, options.kind) if options.kind else _scorer(options)
    jobs = list(zip(sources, drawings, arrays, strict=True))
    do_each(jobs, lambda job: print(_draw(make, *job, options.view)))
    return 0


def _scorer(options: Options) -> "Make":
    """What scores an image itself."""
    from ...upscaling.score_map import ScoreMapPredictor
    from .report import progress_bar

    predictor = ScoreMapPredictor(options.model, revision=options.revision)

    def make(image: "DecodedImage", name: str) -> "Made":
        with progress_bar(name, "window") as progress:
            if options.score and options.array is None and not predictor.has_map:
                return None, image, f"image logit {predictor.logit(image, progress):+.3f} (no map)"
            scores = predictor(image, progress)
        return scores, image, f"score {scores.score:.3f}, image logit {scores.logit:+.3f}"

    return make


def _mapper(options: Options, kind: str) -> "Make":
    """What enlarges an image and makes a map of the result."""
    from ...upscaling.upscaler import Upscaler
    from .report import progress_bar

    upscaler = Upscaler(options.model, revision=options.revision)
    upscaler.check_map(kind)  # raises once, not for every image

    def make(image: "DecodedImage", name: str) -> "Made":
        with progress_bar(name, "tile") as progress:
            result = upscaler(image, progress)
        made = upscaler.maps(image, [kind], result)[kind]
        return made, result, f"{kind} {made.summary}"

    return make


def _list_images(path: Path) -> list[Path]:
    """A file, or the images of a folder without those that were drawn by default in an earlier run."""
    from ...data.pairs import images

    if not path.is_dir():
        return [path]
    sources = images(path)
    drawings = {_default_drawing(source, each) for source in sources for each in (None, *KINDS)}
    return [source for source in sources if source not in drawings]


def _default_drawing(source: Path, kind: str | None) -> Path:
    return source.with_name(f"{source.stem}_{kind or 'scores'}.png")


def _draw(make: "Make", source: Path, drawing: Path | None, array: Path | None, view: str) -> str:
    """Make the map of one image and write what is asked for; returns the line to print."""
    import numpy as np

    from ...images.reading import from_image, read_image
    from ...images.writing import save_image

    made, image, line = make(read_image(source), source.name)
    line = f"{source}: {line}"
    if made is not None and array is not None:
        with replace_file(array) as file:
            np.save(file, made.values)
    if made is None or drawing is None:
        return line
    rendering = made.heat_map() if view == "heat" else getattr(made, view)(image)
    save_image(from_image(rendering), drawing)
    return f"{line} -> {drawing}"


def _plan_targets(
    sources: list[Path], output: str | None, ending: str, kind: str | None = None
) -> list[Path]:
    """Where each result goes; makes the folder.

    Raises OverwriteError if two results would be one file, or a result an input.
    """
    if output is None:
        targets = [_default_drawing(source, kind) for source in sources]
    elif len(sources) == 1 and not output.endswith("/") and not Path(output).is_dir():
        targets = [Path(output)]
    else:
        targets = [Path(output) / f"{source.stem}{ending}" for source in sources]
    uses = Counter(path.resolve() for path in (*targets, *sources))
    for target in targets:
        if uses[target.resolve()] > 1:
            raise OverwriteError(f"'{target}' would be written twice or over an input; choose another output")
        make_folder(target.parent)
    return targets
