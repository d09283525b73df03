"""`fasrgan figures`: Draw the paper's figures."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ...errors import UserError

KINDS = {
    "tradeoff": "Fig. 5: RMSE and LPIPS of every --row on --set",
    "crops": "Fig. 6-8, 10, 11, 14: a crop of --image by every --row, with its scores",
    "training": "Fig. 9: --score over the steps of every --row NAME=RUN",
    "features": "Fig. 12: features of the first block of every --row for --image",
    "depth": "Fig. 13: scores on --set over the depth of the shared extractor of every --row",
}
PAPER = {"fig5": "tradeoff", "fig9": "training", "fig12": "features", "fig13": "depth"} | dict.fromkeys(
    ("fig6", "fig7", "fig8", "fig10", "fig11", "fig14"), "crops"
)


def add_options(command: argparse.ArgumentParser) -> None:
    command.epilog = "; ".join(f"{kind}: {text}" for kind, text in KINDS.items())
    command.add_argument("kind", choices=[*KINDS, *PAPER], metavar="KIND", help=", ".join([*KINDS, *PAPER]))
    command.add_argument(
        "--row",
        action="append",
        required=True,
        metavar="NAME=WHAT",
        help="a model, 'bicubic', a folder of SR images, another program's model file or a run; may be repeated",
    )
    command.add_argument(
        "-o", "--output", required=True, type=Path, metavar="FILE", help=".png, .pdf or .svg"
    )
    command.add_argument(
        "--set", default="Set5", metavar="SET", help="a benchmark, a folder or an archive (default: Set5)"
    )
    command.add_argument(
        "--image", type=Path, metavar="FILE", help="the HR image (crops) or an LR image (features)"
    )
    command.add_argument(
        "--lr", type=Path, metavar="FILE", help="its LR image (default: downscaled with bicubic)"
    )
    command.add_argument("--box", metavar="X,Y,W,H", help="the crop, in pixels of the HR image")
    command.add_argument(
        "--metrics", default="psnr,lpips", metavar="LIST", help="scores to show (default: psnr,lpips)"
    )
    command.add_argument(
        "--score",
        default="Set14 lpips",
        metavar="NAME",
        help="score from the log of the runs (default: 'Set14 lpips')",
    )
    command.add_argument(
        "--channels", default="", metavar="LIST", help="feature channels (default: those that vary most)"
    )


def run(args: argparse.Namespace) -> int:
    """Draw one of the paper's figures for any models, and print its numbers as JSON."""
    from ...evaluation.scoring import ScoringOptions
    from ..paper import figure_data

    options = ScoringOptions(progress=sys.stderr.isatty())
    kind = PAPER.get(args.kind, args.kind)
    if kind in ("crops", "features") and args.image is None:
        raise UserError(f"'{args.kind}' needs --image")
    drawn: Any = None
    if kind == "tradeoff":
        drawn = figure_data.make_tradeoff(args.row, args.set, args.output, options)
    elif kind == "crops":
        box = _parse_box(args.box) if args.box else None
        drawn = figure_data.make_crops(args.row, args.image, args.lr, box, args.metrics, args.output)
    elif kind == "training":
        drawn = figure_data.make_training(figure_data.split_names(args.row), args.score, args.output)
    elif kind == "features":
        channels = [int(part) for part in args.channels.split(",") if part.strip().isdecimal()]
        figure_data.make_features(figure_data.split_names(args.row), args.image, channels, args.output)
    else:
        drawn = figure_data.make_depths(
            figure_data.split_names(args.row), args.set, args.metrics, args.output, options
        )
    if drawn is not None:
        print(json.dumps(drawn, indent=2))
    return 0


def _parse_box(text: str) -> tuple[int, int, int, int]:
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise UserError(f"--box is '{text}'; write left,top,width,height in pixels")
    left, top, width, height = map(int, parts)
    return left, top, width, height
