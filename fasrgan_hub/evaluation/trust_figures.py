"""The trust report, drawn: sparsification curves and calibration, and the worst image with a map of each kind."""

from pathlib import Path

import numpy as np

from ..upscaling import score_map_rendering
from .error_prediction import FRACTIONS
from .plotting import new_figure, save_figure
from .trust import Sample, TrustReport

LABELS = {
    "error": "expected error",
    "generated": "1 - score map",
    "invented": "invented",
    "gradient": "gradient of the result",
    "contrast": "local contrast of the result",
    "bicubic": "|SR - bicubic|",
}
COLORS = {
    "error": "#c2185b",
    "generated": "#e08e0b",
    "invented": "#7b4fb0",
    "gradient": "#1f77b4",
    "contrast": "#4aa3a2",
    "bicubic": "#2e8b57",
}


def draw_report(report: TrustReport, path: str | Path) -> None:
    """The mean sparsification curves (left) and the calibration of the expected error (right), as a PNG file."""
    figure = new_figure(11, 4.2)
    left, right = figure.subplots(1, 2)
    for name in report.predictors:
        label = f"{LABELS[name]}: rank {report.mean('rank', name):.2f}, AUSE {report.mean('ause', name):.2f}"
        left.plot(FRACTIONS, report.curve(name), color=COLORS[name], label=label)
    left.plot(FRACTIONS, report.curve("oracle"), color="black", linestyle="--", label="oracle")
    left.axhline(1, color="gray", linestyle=":", label="random order")
    left.set(xlabel="share of pixels taken away, most doubtful first", ylabel="error left, relative", ylim=0)
    left.legend(fontsize=7)
    if calibration := report.calibration:
        some = calibration.counts > 0
        predicted, true = (
            x[some] / calibration.counts[some] for x in (calibration.predicted, calibration.true)
        )
        right.scatter(predicted, true, 20 + 1000 * calibration.shares[some], color=COLORS["error"], alpha=0.6)
        top = float(max(predicted.max(), true.max()))
        right.plot((0, top), (0, top), color="black", linestyle="--")
    right.set(xlabel="expected error in gray levels, ten bins", ylabel="true error, gray levels")
    save_figure(figure, path)


def draw_worst(sample: Sample, path: str | Path) -> None:
    """Result, true error and a map of each kind of one image side by side, as a PNG file."""
    height, width = sample.error.shape
    top = max(1.0, float(np.percentile(sample.error, 99)))
    views = {
        f"{sample.name}: the result": sample.result,
        f"true error: dark is 0, bright {top:.0f} levels": score_map_rendering.colored(sample.error / top),
    }
    for kind, each in sample.maps.items():
        if kind == "generated":
            views["generated: bright is taken for photographed"] = score_map_rendering.colored(each.values)
        else:
            title = f"{kind}: dark is 0, bright {top:.0f} levels"
            views[title] = score_map_rendering.colored(each.values / top)
    figure = new_figure(4.5 * len(views), 4.2 * height / width + 1)
    for axes, (title, view) in zip(figure.subplots(1, len(views)), views.items(), strict=True):
        axes.imshow(view, interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.set_axis_off()
    save_figure(figure, path)
