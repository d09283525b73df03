"""`fasrgan evaluate`: Score models and finished images."""

import argparse
import sys
from typing import TYPE_CHECKING

from ...hub.model_files import DEFAULT_MODEL

if TYPE_CHECKING:
    from ...evaluation.scoring import ScoringOptions

METRICS = "psnr, ssim, lr-psnr, rmse, lpips, lpips-0.1, lpips-vgg, lpips-vgg-0.0, dists, niqe, color, grid, ma and pi"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="a bundled model, a folder, a Hub id, 'bicubic', a .pth or .safetensors of another program, or a folder "
        f"of finished images; several are compared; NAME=MODEL names one (default: {DEFAULT_MODEL})",
    )
    command.add_argument(
        "--set",
        action="append",
        default=[],
        dest="sets",
        metavar="SET",
        help="Set5, Set14, BSD100, Urban100, 'DIV2K val', 'PIRM val', 'PIRM test', a folder, an archive or "
        "NAME=FOLDER; may be repeated",
    )
    command.add_argument("--hr", metavar="DIR", help="the true images, instead of --set")
    command.add_argument(
        "--lr", metavar="DIR", help="the small images (default: the true ones, shrunk with bicubic)"
    )
    command.add_argument("--sr", metavar="DIR", help="finished images to score instead of a model")
    command.add_argument(
        "--metrics",
        default="psnr,ssim,lpips",
        metavar="LIST",
        help=f"names from {METRICS}, with commas between (default: psnr,ssim,lpips); grid is what repeats every four "
        "pixels, the trace of an upscaler: photographs have about 1.4 to 1.9",
    )
    add_computing(command)
    command.add_argument("--json", metavar="FILE", help="write the scores of every image there as well")
    command.add_argument(
        "-o", "--output", metavar="DIR", help="write the table there: .md, .csv, .json, .tex"
    )
    command.add_argument(
        "--card", metavar="DIR", help="put the mean scores into this model folder's README.md"
    )


def add_computing(command: argparse.ArgumentParser) -> None:
    """The options that `scoring_options` reads."""
    group = command.add_argument_group("how it is measured")
    group.add_argument(
        "--border", type=int, default=4, metavar="N", help="pixels that PSNR, SSIM, RMSE shave (default: 4)"
    )
    group.add_argument("--rgb", action="store_true", help="PSNR, SSIM and RMSE of the colors instead of Y")
    group.add_argument("--device", help="cpu, cuda, cuda:1, ...; default: a GPU if there is one")
    group.add_argument(
        "--processes", type=int, default=1, metavar="N", help="spread the images of a set over N processes"
    )
    keep = group.add_mutually_exclusive_group()
    keep.add_argument("--cache", metavar="DIR", help="where scores are kept (default: the package's cache)")
    keep.add_argument("--no-cache", action="store_true", help="compute everything anew, keep nothing")


def scoring_options(args: argparse.Namespace) -> "ScoringOptions":
    from pathlib import Path

    from ...evaluation.score_cache import default_folder
    from ...evaluation.scoring import ScoringOptions
    from ...metrics.named import MetricOptions

    cache = None if args.no_cache else Path(args.cache) if args.cache else default_folder()
    options = MetricOptions(args.border, not args.rgb, args.device)
    return ScoringOptions(options, cache, args.processes, sys.stderr.isatty())


def run(args: argparse.Namespace) -> int:
    """Score models, or finished SR images, against HR images."""
    import json
    from pathlib import Path

    from ...errors import UserError
    from ...evaluation.benchmarks import make_benchmark, open_benchmark
    from ...evaluation.cards import record_scores
    from ...evaluation.methods import Method, open_method
    from ...evaluation.score_table import comparison_table
    from ...evaluation.scoring import score_all
    from ...images.atomic import replace_file
    from ...metrics.named import metric_names

    if bool(args.hr) == bool(args.sets):
        raise UserError("say on what: --set SET, or --hr DIR (and --lr DIR)")
    if args.sr and args.models:
        raise UserError("give either a model or the folder of its finished images")
    if args.lr and (args.sr or args.sets):
        raise UserError("--lr goes with a model and --hr")
    metrics = metric_names(args.metrics)
    options = {"device": args.device} if args.device else {}
    if args.sr:
        methods = [Method(Path(args.sr).resolve().name, folder=Path(args.sr))]
    else:
        methods = [open_method(model, **options) for model in args.models or [DEFAULT_MODEL]]
    if args.card and len(methods) > 1:
        raise UserError("--card takes the scores of one model; name one")
    if args.hr:
        benchmarks = [make_benchmark(Path(args.hr), Path(args.lr) if args.lr else None)]
    else:
        benchmarks = [open_benchmark(spec) for spec in args.sets]

    reports = score_all(methods, benchmarks, metrics, scoring_options(args))
    table = comparison_table(reports, metrics, f"{'RGB' if args.rgb else 'Y'}, border {args.border}")
    single = next(iter(reports.values())) if len(reports) == 1 else None
    print(single.table() if single else table.text())
    if args.json:
        everything = [
            {"set": on, "model": name, **report.to_dict()} for (on, name), report in reports.items()
        ]
        content = single.to_dict() if single else everything
        with replace_file(args.json) as file:
            file.write((json.dumps(content, indent=2) + "\n").encode())
    if args.output:
        table.write(Path(args.output), "scores")
    if args.card:
        record_scores(args.card, {on: report.means for (on, _), report in reports.items()})
    return 0
