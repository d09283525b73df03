"""`fasrgan evaluate`: Score models or finished images."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UserError
from ...hub.model_files import DEFAULT_MODEL

if TYPE_CHECKING:
    from ...evaluation.benchmarks import Benchmark
    from ...evaluation.methods import Method
    from ...evaluation.score_report import ScoreReport
    from ...evaluation.scoring import ScoringOptions

METRICS = "psnr, ssim, lr-psnr, rmse, lpips, lpips-0.1, lpips-vgg, lpips-vgg-0.0, dists, niqe, color, grid, ma and pi"


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "models",
        nargs="*",
        metavar="MODEL",
        help="a bundled model, a folder, a Hub id, 'bicubic', a .pth or .safetensors of another program, or a folder "
        f"of SR images; several are compared; NAME=MODEL gives one a name (default: {DEFAULT_MODEL})",
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
    command.add_argument("--hr", metavar="DIR", help="HR images, instead of --set")
    command.add_argument(
        "--lr", metavar="DIR", help="LR images (default: the HR images downscaled with bicubic)"
    )
    command.add_argument("--sr", metavar="DIR", help="SR images to score, instead of a model")
    _add_degradation(command)
    command.add_argument(
        "--metrics",
        metavar="LIST",
        help=f"names from {METRICS}, separated by commas (default: psnr,ssim,lpips; with --degrade also dists and "
        "niqe); lr-psnr compares the result, downscaled again, with the LR image; grid is the strength of what "
        "repeats every four pixels, an artefact of upscaling networks: photographs have about 1.4 to 1.9",
    )
    add_scoring_options(command)
    command.add_argument("--json", metavar="FILE", help="also write the scores of every image to this file")
    command.add_argument(
        "-o", "--output", metavar="DIR", help="write the table to this folder: .md, .csv, .json, .tex"
    )
    command.add_argument(
        "--card", metavar="DIR", help="write the mean scores into the README.md of this model folder"
    )


def _add_degradation(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--degrade",
        metavar="LIST",
        help="score on degraded LR images as well, the same ones every time: web, camera, real or YAML files, "
        "separated by commas; or one mixture: web=0.5,real=0.5",
    )
    command.add_argument(
        "--degrade-seed", type=int, default=0, metavar="N", help="seed of the degraded images (default: 0)"
    )


def add_scoring_options(command: argparse.ArgumentParser) -> None:
    """Add the options that `scoring_options` reads."""
    group = command.add_argument_group("scoring")
    group.add_argument(
        "--border",
        type=int,
        default=4,
        metavar="N",
        help="pixels at the border that PSNR, SSIM and RMSE ignore (default: 4)",
    )
    group.add_argument("--rgb", action="store_true", help="PSNR, SSIM and RMSE of RGB instead of Y")
    group.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: a GPU if there is one)")
    group.add_argument(
        "--processes", type=int, default=1, metavar="N", help="distribute the images over N processes"
    )
    keep = group.add_mutually_exclusive_group()
    keep.add_argument(
        "--cache", metavar="DIR", help="folder for computed scores (default: the package's cache)"
    )
    keep.add_argument("--no-cache", action="store_true", help="neither read nor write cached scores")


def scoring_options(args: argparse.Namespace) -> "ScoringOptions":
    from ...evaluation.score_cache import default_folder
    from ...evaluation.scoring import ScoringOptions
    from ...metrics.named import MetricOptions

    cache = None if args.no_cache else Path(args.cache) if args.cache else default_folder()
    options = MetricOptions(args.border, not args.rgb, args.device)
    return ScoringOptions(options, cache, args.processes, sys.stderr.isatty())


def run(args: argparse.Namespace) -> int:
    """Score models, or finished SR images, against HR images."""
    from ...evaluation import degraded
    from ...evaluation.cards import record_scores
    from ...evaluation.score_table import comparison_table
    from ...evaluation.scoring import score_all
    from ...metrics.named import DEFAULT_METRICS, metric_names

    _check(args)
    conditions = degraded.read_conditions(args.degrade) if args.degrade else []
    metrics = metric_names(args.metrics or (degraded.DEFAULT_METRICS if conditions else DEFAULT_METRICS))
    methods = _open_methods(args)
    if args.card and len(methods) > 1:
        raise UserError("--card takes the scores of one model; name one")
    benchmarks = degraded.add_degraded(_open_benchmarks(args), conditions, seed=args.degrade_seed)
    reports = score_all(methods, benchmarks, metrics, scoring_options(args))
    measured = f"{'RGB' if args.rgb else 'Y'}, border {args.border}"
    table = comparison_table(reports, metrics, measured)
    tables = degraded.tabulate_conditions(reports, conditions, metrics, measured) if conditions else {}
    if tables:
        print("\n\n".join(each.text() for each in tables.values()))
    else:
        print(next(iter(reports.values())).table() if len(reports) == 1 else table.text())
    if args.json:
        _write_json(args.json, reports)
    if args.output:
        table.write(Path(args.output), "scores")
        for metric, each in tables.items():
            each.write(Path(args.output), f"scores-{metric}")
    if args.card:
        record_scores(args.card, {on: report.means for (on, _), report in reports.items()})
    return 0


def _check(args: argparse.Namespace) -> None:
    """Raise UserError for options that do not go together."""
    if bool(args.hr) == bool(args.sets):
        raise UserError("name the images to score on: --set SET, or --hr DIR (and --lr DIR)")
    if args.sr and args.models:
        raise UserError("give either a model or --sr with its finished images")
    if args.lr and (args.sr or args.sets):
        raise UserError("--lr goes with a model and --hr")
    if args.degrade_seed < 0:
        raise UserError(f"--degrade-seed is {args.degrade_seed}; it must be 0 or more")


def _open_methods(args: argparse.Namespace) -> "list[Method]":
    from ...evaluation.methods import Method, open_method

    if args.sr:
        methods = [Method(Path(args.sr).resolve().name, folder=Path(args.sr))]
    else:
        options = {"device": args.device} if args.device else {}
        methods = [open_method(model, **options) for model in args.models or [DEFAULT_MODEL]]
    if args.degrade and any(method.folder for method in methods):
        raise UserError("--degrade makes other LR images, so it goes with models, not with finished images")
    return methods


def _open_benchmarks(args: argparse.Namespace) -> "list[Benchmark]":
    from ...evaluation.benchmarks import make_benchmark, open_benchmark

    if args.hr:
        return [make_benchmark(Path(args.hr), Path(args.lr) if args.lr else None)]
    return [open_benchmark(spec) for spec in args.sets]


def _write_json(path: str, reports: "Mapping[tuple[str, str], ScoreReport]") -> None:
    """The scores of every image: one object for one report, else a list."""
    import json

    from ...images.atomic import replace_file

    records = [{"set": on, "model": name, **report.to_dict()} for (on, name), report in reports.items()]
    content = next(iter(reports.values())).to_dict() if len(reports) == 1 else records
    with replace_file(path) as file:
        file.write((json.dumps(content, indent=2) + "\n").encode())
