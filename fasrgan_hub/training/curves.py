"""curves.png: losses and scores over the steps of a run (the paper's Fig. 9, for every score)."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

Series = dict[str, list[tuple[int, float]]]


def read_entries(path: Path) -> list[dict[str, Any]]:
    """The lines of a log.jsonl; a last line that a pulled plug tore is left out."""
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
    """Losses and scores of a log.jsonl, each as name -> [(step, value), ...]."""
    losses: Series = defaultdict(list)
    scores: Series = defaultdict(list)
    for entry in read_entries(path):
        for target, part in ((losses, entry.get("losses", {})), (scores, entry.get("scores", {}))):
            for name, value in part.items():
                target[name].append((entry["step"], value))
    return losses, scores


def draw_curves(log: Path, target: Path) -> None:
    """Draw every series of `log` into a panel of its own and write `target` (PNG)."""
    from matplotlib.figure import Figure

    losses, scores = read_log(log)
    panels = [(name, series, "tab:blue") for name, series in losses.items()]
    panels += [(name.upper(), series, "tab:orange") for name, series in scores.items()]
    columns = min(4, len(panels)) or 1
    rows = -(-len(panels) // columns) or 1
    figure = Figure(figsize=(3.2 * columns, 2.4 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flat
    for (name, series, colour), axis in zip(panels, axes, strict=False):
        axis.plot(*zip(*series, strict=True), color=colour, marker="." if len(series) < 30 else "")
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("step", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    for axis in list(axes):
        axis.set_visible(False)
    figure.savefig(target, dpi=110)
