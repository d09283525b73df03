"""`fasrgan evaluate`: Score models and finished pictures."""

import argparse
import sys
from typing import Any

from .shared import DEFAULT_MODEL, MODEL_HELP


def add(commands: Any) -> None:
    command = commands.add_parser("evaluate", help="score a model on pictures", description=run.__doc__)
    command.set_defaults(run=run)
    command.add_argument("model", nargs="?", metavar="MODEL", help=MODEL_HELP)
    command.add_argument("--hr", required=True, metavar="DIR", help="the true pictures")
    command.add_argument(
        "--lr", metavar="DIR", help="the small pictures (default: the true ones, shrunk with bicubic)"
    )
    command.add_argument("--sr", metavar="DIR", help="finished pictures to score instead of a model")
    command.add_argument(
        "--metrics",
        default="psnr,ssim,rmse",
        metavar="LIST",
        help="names from psnr, ssim, rmse, lpips, lpips-0.1 and niqe, with commas between (default: psnr,ssim,rmse)",
    )
    command.add_argument("--json", metavar="FILE", help="write the scores there as well")


def run(args: argparse.Namespace) -> int:
    """Score a model, or finished SR pictures, against HR pictures."""
    import json

    from ..evaluation import evaluate
    from ..upscaling.atomic import written_whole

    model = args.model or (None if args.sr else DEFAULT_MODEL)
    report = evaluate(
        model, hr=args.hr, lr=args.lr, sr=args.sr, metrics=args.metrics, progress=sys.stderr.isatty()
    )
    print(report.table())
    if args.json:
        with written_whole(args.json) as file:
            file.write((json.dumps(report.to_dict(), indent=2) + "\n").encode())
    return 0
