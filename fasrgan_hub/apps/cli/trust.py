"""`fasrgan trust`: Measure how well maps predict the error."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UserError
from ...extras import import_extra
from ...hub.model_files import DEFAULT_MODEL
from .options import MODEL_HELP, argument, option, parse_count
from .report_files import check_report_file

if TYPE_CHECKING:
    from ...evaluation.trust import TrustReport


@dataclass
class Options:
    model: str = argument("MODEL", nargs="?", default=DEFAULT_MODEL, help=MODEL_HELP)
    hr: str = option("DIR", required=True)
    """HR images"""
    lr: str | None = option("DIR")
    """LR images (default: the HR images downscaled with bicubic)"""
    degrade: str | None = option("LIST")
    """measure on degraded LR images as well: web, camera, real, noise or YAML files, separated by commas"""
    kinds: str | None = option("LIST")
    """error, generated, invented, separated by commas (default: those that the model has)"""
    discriminator: str | None = option("MODEL")
    """the model with the discriminator (default: the model itself)"""
    window: int = option("N", default=8, type=parse_count)
    """average error and map over N x N pixels before comparing (default: 8)"""
    figure: str | None = option("FILE.png")
    """draw sparsification curves and calibration; of degraded images into FILE-NAME.png"""
    worst: str | None = option("FILE.png")
    """draw SR image, true error and a map of each kind of the worst image; of degraded ones into FILE-NAME.png"""
    json: str | None = option("FILE")
    """also write the numbers to this file"""


def run(options: Options) -> int:
    """Print how well the maps of a model's results predict the true error, beside baselines without a network.

    By predictor: the rank correlation with the error, AUSE, and the rank correlation beyond that of the gradient. The
    expected error is also compared with the true one in ten bins.
    """
    from ...evaluation.trust_figures import draw_report, draw_worst
    from ...evaluation.trust_tables import text
    from ...images.atomic import write_json

    if options.window < 1:
        raise UserError("--window must be at least 1")
    for drawing in filter(None, (options.figure, options.worst)):
        import_extra("matplotlib", "drawing", "evaluate")
        check_report_file(drawing, (".png", ".pdf", ".svg"), options.hr, options.lr)
    check_report_file(options.json, (".json",))
    reports = _measure(options)
    print(text(reports))
    for name, report in reports.items():
        if options.figure:
            draw_report(report, _named(options.figure, name))
        if options.worst:
            draw_worst(report.worst, _named(options.worst, name))
    if options.json:
        write_json(options.json, {name: report.to_dict() for name, report in reports.items()})
    return 0


def _measure(options: Options) -> "dict[str, TrustReport]":
    """The report of the clean images and of each condition."""
    from ...evaluation.benchmarks import make_benchmark
    from ...evaluation.degraded import CLEAN, degrade_benchmark, read_conditions
    from ...evaluation.trust import trust
    from ...upscaling.upscaler import Upscaler

    conditions = read_conditions(options.degrade) if options.degrade else []
    kinds = None if options.kinds is None else [kind.strip() for kind in options.kinds.split(",")]
    upscaler = Upscaler(options.model)
    benchmark = make_benchmark(Path(options.hr), None, scale=upscaler.model_scale)
    places = {CLEAN: None if options.lr is None else Path(options.lr)}
    for condition in conditions:
        degraded = [lr for _, lr in degrade_benchmark(benchmark, condition).pairs if lr is not None]
        places[condition.name] = degraded[0].parent
    return {
        name: trust(
            upscaler,
            hr=options.hr,
            lr=lr,
            kinds=kinds,
            discriminator=options.discriminator,
            window=options.window,
            progress=sys.stderr.isatty(),
        )
        for name, lr in places.items()
    }


def _named(file: str, condition: str) -> str:
    """The file of a condition: FILE-NAME.png, FILE.png of clean images."""
    path = Path(file)
    return file if condition == "clean" else str(path.with_stem(f"{path.stem}-{condition}"))
