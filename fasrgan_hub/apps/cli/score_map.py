"""`fasrgan score-map`: Show where an image looks generated."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

from ...errors import FileAccessError, OverwriteError, UserError
from ...hub.model_files import DEFAULT_MODEL
from .exit_status import print_error

VIEWS = ("sheet", "heat", "overlay")


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "inputs", nargs="+", metavar="PICTURE", help="images to judge as they are, and folders of images"
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="a file for one image, a folder for several (made if absent); default: NAME_scores.png beside each",
    )
    command.add_argument(
        "--model",
        default=DEFAULT_MODEL,
        help=f"whose discriminator judges: a bundled model, a folder or a Hub id (default: {DEFAULT_MODEL})",
    )
    command.add_argument("--revision", metavar="R", help="branch, tag or commit of a Hub id")
    command.add_argument(
        "--view",
        choices=VIEWS,
        default=VIEWS[0],
        help="sheet: overlay, heat map and color bar on one page; heat, overlay: that alone, in the image's size "
        "(default: sheet)",
    )
    command.add_argument(
        "--array",
        metavar="FILE",
        help="the numbers as well, float32 in [0, 1]: a .npy file, for several a folder",
    )
    command.add_argument("--score", action="store_true", help="print the score only, draw nothing")


def run(args: argparse.Namespace) -> int:
    """Draw what a model's discriminator says of each pixel: near 1 photographed, near 0 generated; print the mean."""
    from tqdm import tqdm

    from ...upscaling.score_map import ScoreMapPredictor

    given = [Path(path) for path in args.inputs]
    sources = [file for path in given for file in (_undrawn(path) if path.is_dir() else [path])]
    drawings = [None] * len(sources) if args.score else _targets(sources, args.output, ".png")
    arrays = _targets(sources, args.array, ".npy") if args.array else [None] * len(sources)
    judge = ScoreMapPredictor(args.model, revision=args.revision)
    failed = 0
    for source, drawing, array in zip(sources, drawings, arrays, strict=True):
        try:
            with tqdm(desc=source.name, unit="window", leave=False, disable=None) as bar:
                print(_judge(judge, source, drawing, array, args.view, bar))
        except UserError as error:
            if len(sources) == 1:
                raise
            failed += 1
            print_error(error)
    if failed:
        raise UserError(f"{failed} of {len(sources)} images failed")
    return 0


def _undrawn(folder: Path) -> list[Path]:
    """The images of a folder but for those that were drawn of others."""
    from ...evaluation.pairs import images

    found = images(folder)
    drawings = set(map(_drawing, found))
    return [image for image in found if image not in drawings]


def _drawing(image: Path) -> Path:
    """Where what is drawn of an image goes unless told."""
    return image.with_name(f"{image.stem}_scores.png")


def _judge(judge: Any, source: Path, drawing: Path | None, array: Path | None, view: str, bar: Any) -> str:
    """ScoreMapPredictor one image, write what is asked for, and say what came out."""
    import numpy as np

    from ...images.atomic import replace_file
    from ...images.reading import from_image, read_image
    from ...images.writing import save_image

    def progress(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    image = read_image(source)
    if drawing is None and array is None and not judge.has_map:
        return f"{source}: image logit {judge.logit(image, progress):+.3f} (no map)"
    scores = judge(image, progress)
    if array is not None:
        with replace_file(array) as file:
            np.save(file, scores.values)
    if drawing is not None:
        rendering = scores.heat_map() if view == "heat" else getattr(scores, view)(image)
        save_image(from_image(rendering), drawing)
    told = f"{source}: score {scores.score:.3f}, image logit {scores.logit:+.3f}"
    return f"{told} -> {drawing}" if drawing else told


def _targets(sources: list[Path], output: str | None, ending: str) -> list[Path]:
    """Where each result goes; the folder is made. UserError if two would be one file, or an input."""
    if output is None:
        targets = [_drawing(source) for source in sources]
    elif len(sources) == 1 and not output.endswith("/") and not Path(output).is_dir():
        targets = [Path(output)]
    else:
        targets = [Path(output) / f"{source.stem}{ending}" for source in sources]
    taken = Counter(path.resolve() for path in (*targets, *sources))
    for target in targets:
        if taken[target.resolve()] > 1:
            raise OverwriteError(f"'{target}' would be written twice or over an input; choose another output")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileAccessError(
                f"cannot make the folder '{target.parent}': {error.strerror or error}"
            ) from error
    return targets
