"""The trust report, drawn: sparsification curves with rank correlations, and the worst image to look at."""

from pathlib import Path
from typing import Any

import numpy as np

from ..images.atomic import replace_file
from ..upscaling import score_map_rendering
from .error_prediction import FRACTIONS
from .trust import PREDICTORS, Sample, TrustReport

LABELS = {"map": "1 - score map", "gradient": "gradient of the result", "bicubic": "|SR - bicubic|"}
COLORS = {"map": "#c2185b", "gradient": "#1f77b4", "bicubic": "#2e8b57"}


def draw_report(report: TrustReport, path: str | Path) -> None:
    """The mean sparsification curves (left) and every image's rank correlations (right), as a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in PREDICTORS:
        label = f"{LABELS[name]}: AUSE {report.mean('ause', name):.2f}"
        left.plot(FRACTIONS, report.curve(name), color=COLORS[name], label=label)
    left.plot(FRACTIONS, report.curve("oracle"), color="black", linestyle="--", label="oracle")
    left.axhline(1, color="gray", linestyle=":", label="random order")
    left.set(xlabel="share of pixels taken away, most doubtful first", ylabel="error left, relative", ylim=0)
    left.legend(fontsize=8)
    for name in PREDICTORS:
        values = [image.rank[name] for image in report.images.values()]
        label = f"{LABELS[name]}: mean {np.mean(values):.2f}"
        right.plot(values, "o", color=COLORS[name], label=label)
    right.axhline(0, color="gray", linestyle=":")
    right.set(ylabel=f"rank correlation with the error, {report.window} px windows", ylim=(-1, 1))
    right.set_xticks(range(len(report.images)), list(report.images), rotation=60, ha="right", fontsize=7)
    right.legend(fontsize=8)
    _save(figure, path)


def draw_worst(sample: Sample, path: str | Path) -> None:
    """Result, score map and true error of one image side by side, as a PNG file."""
    from matplotlib.figure import Figure

    height, width = sample.values.shape
    figure = Figure(figsize=(13.5, 4.2 * height / width + 1), layout="constrained")
    top = max(1.0, float(np.percentile(sample.error, 99)))
    views = (
        (f"{sample.name}: the result", sample.result),
        ("score map: bright is taken for photographed", score_map_rendering.colored(sample.values)),
        (
            f"true error: bright is 0, dark {top:.0f} of 255 or more",
            score_map_rendering.colored(1 - sample.error / top),
        ),
    )
    for axes, (title, view) in zip(figure.subplots(1, 3), views, strict=True):
        axes.imshow(view, interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
    _save(figure, path)


def _save(figure: Any, path: str | Path) -> None:
    with replace_file(path) as file:
        figure.savefig(file, format="png", dpi=110)
