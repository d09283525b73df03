"""The paper's Tables I to VII, with the printed figures of printed_figures.csv.

Y. Yan, C. Liu, C. Chen, X. Sun, L. Jin, X. Peng and X. Zhou, "Fine-grained Attention and Feature-sharing Generative
Adversarial Networks for Single Image Super-Resolution", IEEE Transactions on Multimedia. PSNR and SSIM are of Y, LPIPS
is AlexNet's version 0.0, PI = ((10 - Ma) + NIQE) / 2; opinion scores run from 0 (almost identical) to 4.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

EXTRA = {
    # What no image metric measures: label, digits, whether higher is better.
    "mos": ("MOS", 2, False),
    "top1": ("top-1 error", 3, False),
    "top5": ("top-5 error", 3, False),
}

QUALITY = ("psnr", "ssim", "pi", "lpips")


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper.

    Args:
        key: "table1" to "table7".
        metrics: names out of `METRICS`, or those of `EXTRA`.
    """

    key: str
    title: str
    metrics: tuple[str, ...] = QUALITY

    @property
    def benchmarks(self) -> Sequence[str]:
        return list(dict.fromkeys(row["benchmark"] for row in self._rows()))

    @property
    def methods(self) -> Sequence[str]:
        return list(dict.fromkeys(row["method"] for row in self._rows()))

    def figures(self, benchmark: str, method: str) -> dict[str, float]:
        """Metric -> the printed figure for a method on a benchmark; empty where the paper has none."""
        for row in self._rows():
            if (row["benchmark"], row["method"]) == (benchmark, method):
                return {metric: float(row[metric]) for metric in self.metrics}
        return {}

    def _rows(self) -> list[dict[str, str]]:
        return [row for row in _read_figures() if row["table"] == self.key]


@cache
def _read_figures() -> list[dict[str, str]]:
    text = files(__package__).joinpath("printed_figures.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


TABLES = {
    table.key: table
    for table in (
        PaperTable("table1", "Table I: quantitative results, bicubic degradation, x4"),
        PaperTable("table2", "Table II: LPIPS and mean opinion score", ("lpips", "mos")),
        PaperTable("table3", "Table III: object recognition on x4 results", ("top1", "top5")),
        PaperTable("table4", "Table IV: without and with the two mechanisms"),
        PaperTable("table5", "Table V: the weight λ2 of the attention loss in FASRGAN"),
        PaperTable("table6", "Table VI: the two mechanisms on SRGAN"),
        PaperTable("table7", "Table VII: RealSR, x4; FT is fine-tuned on its training images"),
    )
}

NOTES = {
    "table2": "The paper's MOS is over 10 images and 10 raters; 0 is almost identical, 4 mostly different.",
    "table3": "The paper's figures are of ResNet-50 on the first 1000 validation images; Baseline is the originals.",
    "table5": "For λ2 0.01 on DIV2K val the paper prints what its Table I has for Fs-SRGAN, not for FASRGAN.",
}
"""What a reader of the figures should know."""
