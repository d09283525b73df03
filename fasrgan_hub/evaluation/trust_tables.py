"""The trust reports as aligned text: each predictor under every condition, and what two kinds of maps have besides."""

from collections.abc import Mapping

import numpy as np
from tabulate import tabulate

from ..upscaling.maps import MUCH
from .calibration import COMMON, EDGES, Calibration
from .trust import MEASURES, TrustReport

Reports = Mapping[str, TrustReport]
"""By condition, such as "clean" and "web"."""
LABELS = {"rank": "rank", "ause": "AUSE", "partial_rank": "beyond"}


def text(reports: Reports) -> str:
    """All tables."""
    parts = [predictors_table(reports)]
    parts += [
        f"{name}: {calibration_table(report.calibration)}"
        for name, report in reports.items()
        if report.calibration
    ]
    parts += [f"{name}: {line}" for name, report in reports.items() if (line := separation_line(report))]
    return "\n\n".join(parts)


def predictors_table(reports: Reports) -> str:
    """Rank correlation with the true error, AUSE and what is beyond the gradient: a row for each predictor."""
    predictors = next(iter(reports.values())).predictors
    head = [f"{condition} {LABELS[field]}" for condition in reports for field in MEASURES]
    rows = [
        [name, *(report.mean(field, name) for report in reports.values() for field in MEASURES)]
        for name in predictors
    ]
    return tabulate(rows, ["predictor", *head], "plain", floatfmt=".3f", disable_numparse=[0])


def calibration_table(calibration: Calibration) -> str:
    """What was predicted in ten bins, and what was true; and the share of the pixels that are much off."""
    ends = ["0", *map(str, EDGES), ""]
    filled = np.maximum(calibration.counts, 1)
    rows = [
        [f"{low} to {high}" if high else f"above {low}", f"{share:.1%}", predicted, true, ratio]
        for low, high, share, predicted, true, ratio in zip(
            ends,
            ends[1:],
            calibration.shares,
            calibration.predicted / filled,
            calibration.true / filled,
            calibration.ratios,
            strict=False,
        )
    ]
    table = tabulate(
        rows, ["gray levels", "pixels", "predicted", "true", "true / predicted"], "plain", floatfmt=".2f"
    )
    likely, off = (count / calibration.pixels for count in (calibration.likely, calibration.off))
    return (
        f"expected error, farthest from true by {calibration.worst:.0%} in bins with {COMMON:.0%} of the pixels; "
        f"more than {MUCH:g} levels off: {likely:.1%} of the pixels predicted, {off:.1%} true\n{table}"
    )


def separation_line(report: TrustReport) -> str:
    """What the discriminator says of results and originals; "" without its map."""
    if any(image.separation is None for image in report.images.values()):
        return ""
    auc, score, true_score = (report.mean(field, "generated") for field in ("auc", "score", "true_score"))
    return f"generated: results score {score:.3f}, originals {true_score:.3f}; told apart with AUC {auc:.3f}"
