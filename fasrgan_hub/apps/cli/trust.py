"""`fasrgan trust`: Measure how well a score map predicts the error."""

import sys
from dataclasses import dataclass

from ...errors import UserError
from ...extras import import_extra
from ...hub.model_files import DEFAULT_MODEL
from .options import MODEL_HELP, argument, option, parse_count


@dataclass
class Options:
    model: str = argument("MODEL", nargs="?", default=DEFAULT_MODEL, help=MODEL_HELP)
    hr: str = option("DIR", required=True)
    """HR images"""
    lr: str | None = option("DIR")
    """LR images (default: the HR images downscaled with bicubic)"""
    discriminator: str | None = option("MODEL")
    """the model with the discriminator (default: the model itself)"""
    window: int = option("N", default=8, type=parse_count)
    """average error and map over N x N pixels before comparing (default: 8)"""
    figure: str | None = option("FILE.png")
    """draw sparsification curves and rank correlations"""
    worst: str | None = option("FILE.png")
    """draw SR image, score map and error of the worst image"""
    json: str | None = option("FILE")
    """also write the numbers to this file"""


def run(options: Options) -> int:
    """Print rank correlation and AUSE of a score map with the true error, beside two baselines without a network."""
    from ...evaluation.trust import trust
    from ...evaluation.trust_figures import draw_report, draw_worst
    from ...images.atomic import write_json

    if options.window < 1:
        raise UserError("--window must be at least 1")
    if options.figure or options.worst:
        import_extra("matplotlib", "drawing", "evaluate")
    report = trust(
        options.model,
        hr=options.hr,
        lr=options.lr,
        discriminator=options.discriminator,
        window=options.window,
        progress=sys.stderr.isatty(),
    )
    print(report.table())
    if options.figure:
        draw_report(report, options.figure)
    if options.worst:
        draw_worst(report.worst, options.worst)
    if options.json:
        write_json(options.json, report.to_dict())
    return 0
