"""The scores of a set of images, to read and to store."""

import math
from dataclasses import dataclass
from typing import Any

from ..metrics.named import METRICS


@dataclass(frozen=True)
class Report:
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
        rows = [["image", *(metric.upper() for metric in metrics)]]
        for name, scores in [*self.images.items(), ("mean", self.means)]:
            rows.append([name, *(f"{scores[metric]:.{METRICS[metric].digits}f}" for metric in metrics)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join([name.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]) for name, *cells in rows
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON: n, metrics (the means), images. None stands for infinity, the PSNR of equal images."""
        return {
            "n": len(self.images),
            "metrics": finite(self.means),
            "images": [{"name": name, **finite(scores)} for name, scores in self.images.items()],
        }


def finite(scores: dict[str, float]) -> dict[str, float | None]:
    """For JSON, which has no infinity."""
    return {metric: score if math.isfinite(score) else None for metric, score in scores.items()}
