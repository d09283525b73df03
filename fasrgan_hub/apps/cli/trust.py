"""`fasrgan trust`: Measure whether the score map tells the truth."""

import argparse
import sys

from ...errors import MissingPackageError, UserError
from ...hub.model_files import DEFAULT_MODEL
from .options import MODEL_HELP, parse_count


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", nargs="?", default=DEFAULT_MODEL, metavar="MODEL", help=MODEL_HELP)
    command.add_argument("--hr", required=True, metavar="DIR", help="the true images")
    command.add_argument(
        "--lr", metavar="DIR", help="the small images (default: the true ones, shrunk with bicubic)"
    )
    command.add_argument(
        "--judge", metavar="MODEL", help="whose discriminator is asked (default: the model's own)"
    )
    command.add_argument(
        "--window",
        type=parse_count,
        default=8,
        metavar="N",
        help="average error and map over N x N pixels (default: 8)",
    )
    command.add_argument(
        "--figure", metavar="FILE.png", help="draw sparsification curves and rank correlations"
    )
    command.add_argument(
        "--worst", metavar="FILE.png", help="draw result, score map and true error of the worst"
    )
    command.add_argument("--json", metavar="FILE", help="write the numbers there as well")


def run(args: argparse.Namespace) -> int:
    """Rank correlation and AUSE of a model's score map with the true error, beside two baselines without it."""
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
        args.model, hr=args.hr, lr=args.lr, discriminator=args.judge, window=args.window, progress=bar
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
