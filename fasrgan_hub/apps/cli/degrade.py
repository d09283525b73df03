"""`fasrgan degrade`: Make LR images as training does."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UserError
from .exit_status import do_each
from .options import argument, option

if TYPE_CHECKING:
    import numpy as np

    from .jobs import UpscaleJob

SHEET = "contact-sheet.png"
CELL = 384
"""Side of an image on the contact sheet, in pixels at most."""
PAIRS = 3
"""Pairs of images in a row of the contact sheet."""
MOST = 60
"""Pairs on the contact sheet."""


@dataclass
class Options:
    inputs: list[str] = argument("IN", nargs="+")
    """HR image files, folders of images or patterns ("*.jpg")"""
    output: str = option("OUT", "-o", required=True)
    """folder for NAME.png and contact-sheet.png (made if absent)"""
    preset: str = option("WHAT", default="web")
    """clean, web, camera, real, noise, a YAML file, or shares of them: clean=0.3,web=0.7 (default: web)"""
    seed: int = option("N", default=0)
    """of all choices (default: 0)"""
    scale: int = option("S", default=4)
    """HR pixels to one LR pixel, 1 to 8 (default: 4)"""
    recursive: bool = option(flag="-r", default=False)
    """folders in folders too"""


def run(options: Options) -> int:
    """Write the LR images that training would make of HR images, and a sheet of pairs: HR, LR enlarged to its size.

    The same image, name, preset, scale and seed always give the same result.
    """
    from ...data.degradations import read_mixture
    from ...data.degradations.fixed import degrade_image
    from ...images.decoded import DecodedImage
    from ...images.reading import read_image
    from ...images.writing import save_image
    from ...metrics.pixels import rgb8

    if not 1 <= options.scale <= 8 or options.seed < 0:
        raise UserError(
            f"scale is {options.scale} and seed {options.seed}; scale must be 1 to 8, seed 0 or more"
        )
    mixture = read_mixture(options.preset)
    pairs: list[tuple[np.ndarray, np.ndarray]] = []

    def degrade(job: "UpscaleJob") -> None:
        hr = rgb8(read_image(job.source).pixels)
        lr = degrade_image(hr, job.source.stem, mixture, options.scale, options.seed)
        save_image(DecodedImage(lr), job.target)
        print(f"{job.source} -> {job.target}", file=sys.stderr)
        if len(pairs) < MOST:
            pairs.append(_middle(hr, lr, options.scale))

    try:
        do_each(_plan(options), degrade)
    finally:
        if pairs:
            save_image(DecodedImage(draw_sheet(pairs)), Path(options.output, SHEET))
    return 0


def _plan(options: Options) -> "list[UpscaleJob]":
    """What becomes what; the folder is made."""
    from .jobs import make_folders, plan
    from .naming import Naming

    output = f"{options.output}/"
    jobs = plan(options.inputs, output, recursive=options.recursive, naming=Naming(format="png"))
    for job in jobs:
        if job.target.name == SHEET:
            raise UserError(f"'{job.source}' has the name of the contact sheet; rename it")
    make_folders(jobs)
    return jobs


def _middle(hr: "np.ndarray", lr: "np.ndarray", scale: int) -> "tuple[np.ndarray, np.ndarray]":
    """The middle of an HR image, and of its LR image with every pixel repeated."""
    side = CELL // scale
    top, left = ((length - min(length, side)) // 2 for length in lr.shape[:2])
    small = lr[top : top + side, left : left + side].repeat(scale, 0).repeat(scale, 1)
    rows, columns = small.shape[:2]
    return hr[top * scale : top * scale + rows, left * scale : left * scale + columns], small


def draw_sheet(pairs: "list[tuple[np.ndarray, np.ndarray]]", gap: int = 8) -> "np.ndarray":
    """Pairs in rows on white, the two of a pair beside each other."""
    import numpy as np

    rows, columns = (max(image.shape[axis] for pair in pairs for image in pair) for axis in (0, 1))
    across = min(PAIRS, len(pairs))
    down = -(-len(pairs) // across)
    sheet = np.full((down * (rows + gap) + gap, across * 2 * (columns + gap) + gap, 3), 255, np.uint8)
    for number, pair in enumerate(pairs):
        for side, image in enumerate(pair):
            top = gap + number // across * (rows + gap)
            left = gap + (number % across * 2 + side) * (columns + gap)
            sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
    return sheet
