"""`fasrgan score-map`: Show where an image looks generated."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import OverwriteError
from ...hub.model_files import DEFAULT_MODEL
from ...images.atomic import make_folder, replace_file
from .exit_status import do_each
from .options import argument, option

if TYPE_CHECKING:
    from ...upscaling.score_map import ScoreMapPredictor


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
    view: str = option(default="sheet", choices=("sheet", "heat", "overlay"))
    """sheet: overlay, heat map and color bar on one page; heat, overlay: one of them in the image's size (default:
    sheet)"""
    array: str | None = option("FILE")
    """also write the map as float32 in [0, 1]: a .npy file, for several images a folder"""
    score: bool = False
    """print the mean score and draw nothing"""


def run(options: Options) -> int:
    """Draw the discriminator's score of each pixel, near 1 photographed, near 0 generated, and print the mean."""
    from ...upscaling.score_map import ScoreMapPredictor

    sources = [source for name in options.inputs for source in _list_images(Path(name))]
    drawings = [None] * len(sources) if options.score else _plan_targets(sources, options.output, ".png")
    arrays = _plan_targets(sources, options.array, ".npy") if options.array else [None] * len(sources)
    predictor = ScoreMapPredictor(options.model, revision=options.revision)
    jobs = list(zip(sources, drawings, arrays, strict=True))
    do_each(jobs, lambda job: print(_score(predictor, *job, options.view)))
    return 0


def _list_images(path: Path) -> list[Path]:
    """A file, or the images of a folder without those that were drawn by default in an earlier run."""
    from ...data.pairs import images

    if not path.is_dir():
        return [path]
    sources = images(path)
    drawings = set(map(_default_drawing, sources))
    return [source for source in sources if source not in drawings]


def _default_drawing(source: Path) -> Path:
    return source.with_name(f"{source.stem}_scores.png")


def _score(
    predictor: "ScoreMapPredictor", source: Path, drawing: Path | None, array: Path | None, view: str
) -> str:
    """Predict the map of one image and write what is asked for; returns the line to print."""
    import numpy as np

    from ...images.reading import from_image, read_image
    from ...images.writing import save_image
    from .report import progress_bar

    image = read_image(source)
    with progress_bar(source.name, "window") as progress:
        if drawing is None and array is None and not predictor.has_map:
            return f"{source}: image logit {predictor.logit(image, progress):+.3f} (no map)"
        scores = predictor(image, progress)
    if array is not None:
        with replace_file(array) as file:
            np.save(file, scores.values)
    line = f"{source}: score {scores.score:.3f}, image logit {scores.logit:+.3f}"
    if drawing is None:
        return line
    rendering = scores.heat_map() if view == "heat" else getattr(scores, view)(image)
    save_image(from_image(rendering), drawing)
    return f"{line} -> {drawing}"


def _plan_targets(sources: list[Path], output: str | None, ending: str) -> list[Path]:
    """Where each result goes; makes the folder.

    Raises OverwriteError if two results would be one file, or a result an input.
    """
    if output is None:
        targets = [_default_drawing(source) for source in sources]
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
