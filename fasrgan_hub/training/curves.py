"""curves.png: losses and scores over the steps of a run (the paper's Fig. 9, for every score)."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from ..evaluation.plotting import new_figure, save_figure
from ..metrics.named import METRICS

Series = dict[str, list[tuple[int, float]]]

SMOOTH = 25
"""Lines of the log that the moving average of a long series spans."""


def read_entries(path: Path) -> list[dict[str, Any]]:
    """The lines of a log.jsonl; a last line that is incomplete is left out."""
    entries: list[dict[str, Any]] = []
    if not path.exists():
        return entries
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entries.append(json.loads(line))
        except ValueError:
            break
    return entries


def read_log(path: Path) -> tuple[Series, Series]:
    """Losses and scores of a log.jsonl, each as name -> [(step, value), ...]; what was logged last of a step counts."""
    losses: dict[str, dict[int, float]] = defaultdict(dict)
    scores: dict[str, dict[int, float]] = defaultdict(dict)
    for entry in read_entries(path):
        for target, part in ((losses, entry.get("losses", {})), (scores, entry.get("scores", {}))):
            for name, value in part.items():
                target[name][entry["step"]] = value
    return _sorted(losses), _sorted(scores)


def draw_curves(log: Path, target: Path) -> None:
    """Draw `log` and write `target` (PNG): a panel for each metric, with a line for each benchmark, and for each loss.

    A log with nothing to draw leaves `target` as it is.
    """
    losses, scores = read_log(log)
    metrics: dict[str, Series] = defaultdict(dict)
    for name, series in scores.items():
        benchmark, metric = name.rsplit(" ", 1)
        metrics[METRICS[metric].described][benchmark] = series
    panels = [*metrics.items(), *((f"loss: {name}", {"": series}) for name, series in losses.items())]
    if not panels:
        return
    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(3.2 * columns, 2.4 * rows)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis, (title, lines) in zip(axes, panels, strict=False):
        for name, series in lines.items():
            _draw_line(axis, series, name)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("step", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
        if any(lines):
            axis.legend(fontsize=7)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    save_figure(figure, target)


def _draw_line(axis: Any, series: list[tuple[int, float]], name: str) -> None:
    """A series; a long one faintly, with its moving average over it."""
    steps, values = zip(*series, strict=True)
    if len(series) < 4 * SMOOTH:
        axis.plot(steps, values, marker="." if len(series) < 30 else "", label=name or None)
        return
    (line,) = axis.plot(steps, values, alpha=0.3, linewidth=0.8)
    means = [sum(values[at - SMOOTH : at]) / SMOOTH for at in range(SMOOTH, len(values) + 1)]
    axis.plot(steps[SMOOTH - 1 :], means, color=line.get_color(), label=name or None)


def _sorted(series: dict[str, dict[int, float]]) -> Series:
    return {name: sorted(points.items()) for name, points in series.items()}
