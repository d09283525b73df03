"""`fasrgan figures`: Draw the paper's figures."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import UserError
from .options import argument, option, repeated

PAPER = {"fig5": "tradeoff", "fig9": "training", "fig12": "features", "fig13": "depth"} | dict.fromkeys(
    ("fig6", "fig7", "fig8", "fig10", "fig11", "fig14"), "crops"
)
KINDS = sorted({*PAPER.values()})


@dataclass
class Options:
    kind: str = argument("KIND", choices=[*KINDS, *PAPER])
    """tradeoff (fig5): RMSE and LPIPS of every --row on --set; crops (fig6, fig7, fig8, fig10, fig11, fig14): a crop of
    --image by every --row, with its scores; training (fig9): --score over the steps of every --row NAME=RUN; features
    (fig12): features of the first block of every --row for --image; depth (fig13): scores on --set over the depth of
    the shared extractor of every --row"""
    rows: list[str] = repeated("NAME=WHAT", "--row", required=True)
    """a model, 'bicubic', a folder of SR images, another program's model file or a run; may be repeated"""
    output: Path = option("FILE", "-o", required=True)
    """.png, .pdf or .svg"""
    benchmark: str = option("SET", "--set", default="Set5")
    """a benchmark, a folder or an archive (default: Set5)"""
    image: Path | None = option("FILE")
    """the HR image (crops) or an LR image (features)"""
    lr: Path | None = option("FILE")
    """its LR image (default: downscaled with bicubic)"""
    box: str | None = option("X,Y,W,H")
    """the crop, in pixels of the HR image"""
    metrics: str = option("LIST", default="psnr,lpips")
    """scores to show (default: psnr,lpips)"""
    score: str = option("NAME", default="Set14 lpips")
    """score from the log of the runs (default: 'Set14 lpips')"""
    channels: str = option("LIST", default="")
    """feature channels (default: those that vary most)"""


def run(options: Options) -> int:
    """Draw one of the paper's figures for any models, and print its numbers as JSON."""
    from ...evaluation.scoring import ScoringOptions
    from ..paper import figure_data as data

    scoring = ScoringOptions(progress=sys.stderr.isatty())
    kind = PAPER.get(options.kind, options.kind)
    names, benchmark, target = data.split_names(options.rows), options.benchmark, options.output
    drawn: Any = None
    if kind == "tradeoff":
        drawn = data.make_tradeoff(options.rows, benchmark, target, scoring)
    elif kind == "crops":
        box = _parse_box(options.box) if options.box else None
        image = _require_image(options)
        drawn = data.make_crops(options.rows, image, options.lr, box, options.metrics, target)
    elif kind == "training":
        drawn = data.make_training(names, options.score, target)
    elif kind == "features":
        data.make_features(names, _require_image(options), _parse_channels(options.channels), target)
    else:
        drawn = data.make_depths(names, benchmark, options.metrics, target, scoring)
    if drawn is not None:
        print(json.dumps(drawn, indent=2))
    return 0


def _require_image(options: Options) -> Path:
    if options.image is None:
        raise UserError(f"'{options.kind}' needs --image")
    return options.image


def _parse_channels(text: str) -> list[int]:
    parts = text.split(",") if text else []
    if not all(part.strip().isdecimal() for part in parts):
        raise UserError(f"--channels is '{text}'; write the numbers of feature channels, as in 3,17")
    return [int(part) for part in parts]


def _parse_box(text: str) -> tuple[int, int, int, int]:
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isdecimal() for part in parts):
        raise UserError(f"--box is '{text}'; write left,top,width,height in pixels")
    left, top, width, height = map(int, parts)
    return left, top, width, height
