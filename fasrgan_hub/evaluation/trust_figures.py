"""The trust report, drawn: sparsification curves with rank correlations, and the worst image to look at."""

from pathlib import Path

import numpy as np

from ..upscaling import score_map_rendering
from .error_prediction import FRACTIONS
from .plotting import new_figure, save_figure
from .trust import PREDICTORS, Sample, TrustReport

LABELS = {"map": "1 - score map", "gradient": "gradient of the result", "bicubic": "|SR - bicubic|"}
COLORS = {"map": "#c2185b", "gradient": "#1f77b4", "bicubic": "#2e8b57"}


def draw_report(report: TrustReport, path: str | Path) -> None:
    """The mean sparsification curves (left) and every image's rank correlations (right), as a PNG file."""
    figure = new_figure(11, 4.2)
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
    save_figure(figure, path)


def draw_worst(sample: Sample, path: str | Path) -> None:
    """Result, score map and true error of one image side by side, as a PNG file."""
    height, width = sample.values.shape
    figure = new_figure(13.5, 4.2 * height / width + 1)
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
    save_figure(figure, path)
