"""`fasrgan recognition`: Measure object recognition on SR images (Table III)."""

import argparse
import sys
from pathlib import Path


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "images",
        metavar="IMAGES",
        help="folder of class folders (named by number, or all 1000 of ImageNet), or a Hub dataset such as "
        "ILSVRC/imagenet-1k, whose validation split is streamed",
    )
    command.add_argument(
        "--row",
        action="append",
        metavar="NAME=MODEL",
        help="a model or 'bicubic'; may be repeated (default: bicubic and the bundled model)",
    )
    command.add_argument(
        "--classifier",
        default="resnet50.tv_in1k",
        metavar="NAME",
        help="a model of timm, a folder saved by timm, or efficientnet-lite0, which does not need the Hub "
        "(default: resnet50.tv_in1k)",
    )
    command.add_argument("--count", type=int, metavar="N", help="use the first N images (the paper: 1000)")
    command.add_argument(
        "--batch", type=int, default=16, metavar="N", help="images classified at once (default: 16)"
    )
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("recognition.jsonl"),
        metavar="FILE",
        help="file for the predictions (default: recognition.jsonl); a run with an existing file continues it, and "
        "`fasrgan tables --paper table3` reads it",
    )


def run(args: argparse.Namespace) -> int:
    """Downscale images by 4, upscale them, and count the errors of an ImageNet classifier."""
    from itertools import islice

    from tabulate import tabulate
    from tqdm import tqdm

    from ...errors import UserError
    from ...evaluation.methods import open_method
    from ...hub.model_files import DEFAULT_MODEL
    from ..paper.classifiers import load_classifier
    from ..paper.recognition import labeled_images, recognize

    methods = [open_method(row) for row in args.row or ("bicubic", DEFAULT_MODEL)]
    for method in methods:
        if method.make is None:
            raise UserError(f"'{method.name}' is a folder of images; recognition needs models")
    if args.batch < 1 or (args.count is not None and args.count < 1):
        raise UserError("--batch and --count must be at least 1")
    images = islice(labeled_images(args.images), args.count)
    classifier = load_classifier(args.classifier)
    images = tqdm(images, unit="image", disable=not sys.stderr.isatty())
    upscale = {method.name: method.upscale for method in methods}
    errors = recognize(classifier, upscale, images, args.output, args.batch)
    rows = [[name, row["top1"], row["top5"], row["n"]] for name, row in errors.items()]
    print(tabulate(rows, ["", "top-1 error", "top-5 error", "images"], "plain", floatfmt=".3f"))
    return 0
