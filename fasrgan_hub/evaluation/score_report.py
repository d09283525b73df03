"""The scores of the images of a benchmark."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tabulate import tabulate

from ..metrics.named import METRICS


@dataclass(frozen=True)
class ScoreReport:
    """Scores by image: `images["baby"]["psnr"]`; every image has the same metrics."""

    images: dict[str, dict[str, float]]

    @property
    def means(self) -> dict[str, float]:
        """Each metric's mean over the images."""
        rows = list(self.images.values())
        return {metric: math.fsum(row[metric] for row in rows) / len(rows) for metric in rows[0]}

    def table(self) -> str:
        """Aligned text: a line for each image and the mean."""
        metrics = list(self.means)
        rows = {**self.images, "mean": self.means}
        text: str = tabulate(
            [[name, *(scores[metric] for metric in metrics)] for name, scores in rows.items()],
            ["image", *map(str.upper, metrics)],
            "plain",
            floatfmt=("", *(f".{METRICS[metric].digits}f" for metric in metrics)),
            numalign="right",
            disable_numparse=[0],
        )
        return text

    def to_dict(self) -> dict[str, Any]:
        """For JSON: n, metrics (the means), images. None stands for infinity, the PSNR of equal images."""
        return {
            "n": len(self.images),
            "metrics": finite(self.means),
            "images": [{"name": name, **finite(scores)} for name, scores in self.images.items()],
        }


def finite(scores: Mapping[str, float]) -> dict[str, float | None]:
    """For JSON, which has no infinity."""
    return {metric: score if math.isfinite(score) else None for metric, score in scores.items()}
