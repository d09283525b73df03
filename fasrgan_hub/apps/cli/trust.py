"""`fasrgan trust`: Measure how well a score map predicts the error."""

import argparse
import sys

from ...errors import MissingPackageError, UserError
from ...hub.model_files import DEFAULT_MODEL
from .options import MODEL_HELP, parse_count


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", nargs="?", default=DEFAULT_MODEL, metavar="MODEL", help=MODEL_HELP)
    command.add_argument("--hr", required=True, metavar="DIR", help="HR images")
    command.add_argument(
        "--lr", metavar="DIR", help="LR images (default: the HR images downscaled with bicubic)"
    )
    command.add_argument(
        "--discriminator",
        metavar="MODEL",
        help="the model with the discriminator (default: the model itself)",
    )
    command.add_argument(
        "--window",
        type=parse_count,
        default=8,
        metavar="N",
        help="average error and map over N x N pixels before comparing (default: 8)",
    )
    command.add_argument(
        "--figure", metavar="FILE.png", help="draw sparsification curves and rank correlations"
    )
    command.add_argument(
        "--worst", metavar="FILE.png", help="draw SR image, score map and error of the worst image"
    )
    command.add_argument("--json", metavar="FILE", help="also write the numbers to this file")


def run(args: argparse.Namespace) -> int:
    """Print rank correlation and AUSE of a score map with the true error, beside two baselines without a network."""
    import importlib.util
    import json

    from ...evaluation.trust import trust
    from ...evaluation.trust_figures import draw_report, draw_worst
    from ...images.atomic import replace_file

    if args.window < 1:
        raise UserError("--window must be at least 1")
    if (args.figure or args.worst) and importlib.util.find_spec("matplotlib") is None:
        raise MissingPackageError('drawing needs matplotlib; pip install "fasrgan-hub[train]"')
    bar = sys.stderr.isatty()
    report = trust(
        args.model, hr=args.hr, lr=args.lr, discriminator=args.discriminator, window=args.window, progress=bar
    )
    print(report.table())
    if args.figure:
        draw_report(report, args.figure)
    if args.worst:
        draw_worst(report.worst, args.worst)
    if args.json:
        with replace_file(args.json) as file:
            file.write((json.dumps(report.to_dict(), indent=2) + "\n").encode())
    return 0
