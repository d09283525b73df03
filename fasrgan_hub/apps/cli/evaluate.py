"""`fasrgan evaluate`: Score models or finished images."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import UserError
from ...hub.model_files import DEFAULT_MODEL, SCALE
from .options import argument, option, repeated
from .report_files import check_report_file

if TYPE_CHECKING:
    from ...evaluation import scoring
    from ...evaluation.benchmarks import Benchmark
    from ...evaluation.methods import Method
    from ...evaluation.score_report import ScoreReport


@dataclass
class ScoringOptions:
    border: int | None = option("N")
    """pixels at the border that PSNR, SSIM and RMSE ignore (default: as many as the scale, 4)"""
    rgb: bool = False
    """PSNR, SSIM and RMSE of RGB instead of Y"""
    device: str | None = None
    """cpu, cuda, cuda:1, ... (default: a GPU if there is one)"""
    processes: int = option("N", default=1)
    """distribute the images over N processes"""
    cache: str | None = option("DIR", exclusive=True)
    """folder for computed scores (default: the package's cache)"""
    no_cache: bool = option(default=False, exclusive=True)
    """neither read nor write cached scores"""

    def scoring(self, scale: int = SCALE) -> "scoring.ScoringOptions":
        from ...evaluation import scoring
        from ...evaluation.score_cache import default_folder
        from ...metrics.named import MetricOptions

        cache = None if self.no_cache else Path(self.cache) if self.cache else default_folder()
        border = scale if self.border is None else self.border
        metrics = MetricOptions(border, not self.rgb, self.device)
        return scoring.ScoringOptions(metrics, cache, self.processes, sys.stderr.isatty())


@dataclass
class Options(ScoringOptions):
    models: list[str] = argument(
        "MODEL",
        nargs="*",
        help="a bundled model, a folder, a Hub id, 'bicubic', 'nearest', 'auto' (chosen by image), a .pth or "
        ".safetensors of another program, or a folder of SR images; several are compared; NAME=MODEL gives one a name "
        f"(default: {DEFAULT_MODEL})",
    )
    sets: list[str] = repeated("SET", "--set")
    """Set5, Set14, BSD100, Urban100, 'DIV2K val', 'PIRM val', 'PIRM test', a folder, an archive or NAME=FOLDER; may be
    repeated"""
    hr: str | None = option("DIR")
    """HR images, instead of --set"""
    lr: str | None = option("DIR")
    """LR images (default: the HR images downscaled with bicubic)"""
    sr: str | None = option("DIR")
    """SR images to score, instead of a model"""
    scale: int | None = option(choices=(1, 2, 3, 4))
    """factor (default: that of the models, 4 for bicubic and SR images); models of another factor are resized"""
    degrade: str | None = option("LIST")
    """score on degraded LR images as well, the same ones every time: web, camera, real, noise or YAML files,
    separated by commas; or one mixture: web=0.5,real=0.5"""
    degrade_seed: int = option("N", default=0)
    """seed of the degraded images (default: 0)"""
    metrics: str | None = option("LIST")
    """names from psnr, ssim, lr-psnr, rmse, lpips, lpips-0.1, lpips-vgg, lpips-vgg-0.0, dists, niqe, color, grid, ma
    and pi, separated by commas (default: psnr,ssim,lpips; with --degrade also dists and niqe); lr-psnr compares the
    result, downscaled again, with the LR image; grid is the strength of what repeats every four pixels, an artefact of
    upscaling networks: photographs have about 1.4 to 1.9"""
    json: str | None = option("FILE")
    """also write the scores of every image to this file"""
    output: str | None = option("DIR", "-o")
    """write the table to this folder: .md, .csv, .json, .tex"""
    card: str | None = option("DIR")
    """write the mean scores into the README.md of this model folder; LPIPS in both versions"""


def run(options: Options) -> int:
    """Score models, or finished SR images, against HR images."""
    from ...evaluation import degraded
    from ...evaluation.cards import card_metrics, record_scores
    from ...evaluation.methods import choose_scale
    from ...evaluation.score_table import comparison_table
    from ...evaluation.scoring import score_all
    from ...metrics.named import DEFAULT_METRICS, metric_names

    _check(options)
    check_report_file(options.json, (".json",))
    conditions = degraded.read_conditions(options.degrade) if options.degrade else []
    metrics = metric_names(options.metrics or (degraded.DEFAULT_METRICS if conditions else DEFAULT_METRICS))
    methods = _open_methods(options)
    if options.card:
        if len(methods) > 1:
            raise UserError("--card takes the scores of one model; name one")
        metrics = card_metrics(metrics)
    scale = choose_scale(methods, options.scale)
    scoring_options = options.scoring(scale)
    benchmarks = degraded.add_degraded(
        _open_benchmarks(options, scale), conditions, seed=options.degrade_seed
    )
    reports = score_all(methods, benchmarks, metrics, scoring_options)
    measured = f"{'RGB' if options.rgb else 'Y'}, border {scoring_options.metrics.border}"
    table = comparison_table(reports, metrics, measured, scale)
    tables = degraded.tabulate_conditions(reports, conditions, metrics, measured) if conditions else {}
    if tables:
        print("\n\n".join(each.text() for each in tables.values()))
    else:
        print(next(iter(reports.values())).table() if len(reports) == 1 else table.text())
    if options.json:
        _write_json(options.json, reports)
    if options.output:
        table.write(Path(options.output), "scores")
        for metric, each in tables.items():
            each.write(Path(options.output), f"scores-{metric}")
    if options.card:
        record_scores(options.card, {on: report.means for (on, _), report in reports.items()})
    return 0


def _check(options: Options) -> None:
    """Raise UserError for options that do not go together."""
    if bool(options.hr) == bool(options.sets):
        raise UserError("name the images to score on: --set SET, or --hr DIR (and --lr DIR)")
    if options.sr and options.models:
        raise UserError("give either a model or --sr with its finished images")
    if options.lr and (options.sr or options.sets):
        raise UserError("--lr goes with a model and --hr")
    if options.degrade_seed < 0:
        raise UserError(f"--degrade-seed is {options.degrade_seed}; it must be 0 or more")


def _open_methods(options: Options) -> "list[Method]":
    from ...evaluation.methods import Method, open_method

    if options.sr:
        methods = [Method(Path(options.sr).resolve().name, folder=Path(options.sr))]
    else:
        device = {"device": options.device} if options.device else {}
        methods = [open_method(model, **device) for model in options.models or [DEFAULT_MODEL]]
    if options.degrade and any(method.folder for method in methods):
        raise UserError("--degrade makes other LR images, so it goes with models, not with finished images")
    return methods


def _open_benchmarks(options: Options, scale: int) -> "list[Benchmark]":
    from ...evaluation.benchmarks import make_benchmark, open_benchmark

    if options.hr:
        return [make_benchmark(Path(options.hr), Path(options.lr) if options.lr else None, scale=scale)]
    return [open_benchmark(spec, scale) for spec in options.sets]


def _write_json(path: str, reports: "Mapping[tuple[str, str], ScoreReport]") -> None:
    """The scores of every image: one object for one report, else a list."""
    from ...images.atomic import write_json

    records = [{"set": on, "model": name, **report.to_dict()} for (on, name), report in reports.items()]
    write_json(path, next(iter(reports.values())).to_dict() if len(reports) == 1 else records)
