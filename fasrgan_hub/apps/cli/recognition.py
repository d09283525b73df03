"""`fasrgan recognition`: Measure object recognition on SR images (Table III)."""

import sys
from dataclasses import dataclass
from pathlib import Path

from .options import argument, option, repeated


@dataclass
class Options:
    images: str = argument("IMAGES")
    """folder of class folders (named by number, or all 1000 of ImageNet), or a Hub dataset such as
    ILSVRC/imagenet-1k, whose validation split is streamed"""
    rows: list[str] = repeated("NAME=MODEL", "--row")
    """a model or 'bicubic'; may be repeated (default: bicubic and the default model)"""
    classifier: str = option("NAME", default="resnet50.tv_in1k")
    """a model of timm, a folder saved by timm, or efficientnet-lite0, which does not need the Hub (default:
    resnet50.tv_in1k)"""
    count: int | None = option("N")
    """use the first N images (the paper: 1000)"""
    batch: int = option("N", default=16)
    """images classified at once (default: 16)"""
    output: Path = option("FILE", "-o", default=Path("recognition.jsonl"))
    """file for the predictions (default: recognition.jsonl); a run with an existing file continues it, and
    `fasrgan tables --paper table3` reads it"""


def run(options: Options) -> int:
    """Downscale images by 4, upscale them, and count the errors of an ImageNet classifier."""
    from itertools import islice

    from tabulate import tabulate
    from tqdm import tqdm

    from ...errors import UserError
    from ...evaluation.methods import open_method
    from ...hub.model_files import DEFAULT_MODEL, SCALE
    from ..paper.classifiers import load_classifier
    from ..paper.recognition import labeled_images, recognize

    methods = [open_method(row) for row in options.rows or ("bicubic", DEFAULT_MODEL)]
    for method in methods:
        if method.make is None:
            raise UserError(f"'{method.name}' is a folder of images; recognition needs models")
    if options.batch < 1 or (options.count is not None and options.count < 1):
        raise UserError("--batch and --count must be at least 1")
    images = islice(labeled_images(options.images), options.count)
    classifier = load_classifier(options.classifier)
    images = tqdm(images, unit="image", disable=not sys.stderr.isatty())
    upscale = {method.name: method.upscale_by(SCALE) for method in methods}
    errors = recognize(classifier, upscale, images, options.output, options.batch)
    rows = [[name, row["top1"], row["top5"], row["n"]] for name, row in errors.items()]
    print(tabulate(rows, ["", "top-1 error", "top-5 error", "images"], "plain", floatfmt=".3f"))
    return 0
