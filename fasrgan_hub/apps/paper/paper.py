"""The figures of the paper's Tables I to VII, as printed.

Y. Yan, C. Liu, C. Chen, X. Sun, L. Jin, X. Peng and X. Zhou, "Fine-grained Attention and Feature-sharing Generative
Adversarial Networks for Single Image Super-Resolution", IEEE Transactions on Multimedia. PSNR and SSIM are of Y, LPIPS
is AlexNet's version 0.0, PI = ((10 - Ma) + NIQE) / 2; opinion scores run from 0 (almost identical) to 4.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class PaperTable:
    """A table as the paper lays it out: by benchmark, a line for each metric with a figure for each method.

    Args:
        metrics: names out of `METRICS`, or those of `EXTRA`.
        benchmarks: by name, a line of figures for each metric.
        notes: what a reader of the figures should know.
    """

    title: str
    methods: tuple[str, ...]
    metrics: tuple[str, ...]
    benchmarks: dict[str, str]
    notes: tuple[str, ...] = ()

    def figures(self, benchmark: str, method: str) -> dict[str, float]:
        """Metric -> the paper's figure for a method on a benchmark; empty where the paper has none."""
        if benchmark not in self.benchmarks or method not in self.methods:
            return {}
        lines = [line.split() for line in self.benchmarks[benchmark].strip().splitlines()]
        place = self.methods.index(method)
        return {metric: float(line[place]) for metric, line in zip(self.metrics, lines, strict=True)}


EXTRA = {
    # What no image metric measures: label, digits, whether higher is better.
    "mos": ("MOS", 2, False),
    "top1": ("top-1 error", 3, False),
    "top5": ("top-5 error", 3, False),
}

QUALITY = ("psnr", "ssim", "pi", "lpips")

TABLES = {
    "table1": PaperTable(
        "Table I: quantitative results, bicubic degradation, x4",
        ("EnhanceNet", "SRGAN", "ESRGAN", "RankSRGAN", "FASRGAN", "Fs-SRGAN", "FA+Fs-SRGAN"),
        QUALITY,
        {
            "Set5": """
                28.57 29.91 30.46 29.73 30.15 30.28 30.19
                0.8102 0.8510 0.8515 0.8398 0.8450 0.8588 0.8571
                2.8466 3.4322 3.5463 2.9867 3.1685 3.9143 3.7455
                0.0488 0.0389 0.0350 0.0348 0.0325 0.0330 0.0344""",
            "Urban100": """
                23.54 24.39 24.36 24.49 24.51 24.55 24.67
                0.6933 0.7309 0.7341 0.7319 0.7380 0.7509 0.7466
                3.4543 3.4814 3.7312 3.3253 3.5173 3.5940 3.5819
                0.0777 0.0693 0.0591 0.0667 0.0588 0.0591 0.0625""",
            "BSD100": """
                24.94 25.50 25.32 25.51 25.41 25.61 25.87
                0.6266 0.6528 0.6514 0.6530 0.6523 0.6726 0.6747
                2.8467 2.3054 2.4150 2.0768 2.2783 2.4056 2.3749
                0.0982 0.0887 0.0798 0.0850 0.0796 0.0801 0.0855""",
            "DIV2K val": """
                27.28 28.16 28.17 28.10 28.15 28.15 28.23
                0.7460 0.7753 0.7759 0.7710 0.7768 0.7903 0.7891
                3.4953 3.1619 3.2572 3.0130 3.1034 3.3303 3.3092
                0.0753 0.0605 0.0550 0.0576 0.0539 0.0542 0.0576""",
            "PIRM val": """
                25.47 25.61 25.18 25.65 25.38 25.75 26.00
                0.6569 0.6757 0.6596 0.6726 0.6648 0.6907 0.6934
                2.6762 2.2254 2.5548 2.0183 2.2476 2.3311 2.2482
                0.0838 0.0718 0.0714 0.0675 0.0685 0.0651 0.0677""",
        },
    ),
    "table2": PaperTable(
        "Table II: LPIPS and mean opinion score",
        ("SRGAN", "ESRGAN", "RankSRGAN", "FASRGAN", "Fs-SRGAN"),
        ("lpips", "mos"),
        {
            "PIRM val": """
                0.0718 0.0714 0.0675 0.0685 0.0651
                1.98 1.88 1.84 1.46 1.46"""
        },
        (
            "The paper's MOS is over 10 images of the set and 10 raters; 0 is almost identical, 4 mostly different.",
        ),
    ),
    "table3": PaperTable(
        "Table III: object recognition on x4 results",
        (
            "Bicubic",
            "SRCNN",
            "FSRCNN",
            "SRGAN",
            "EnhanceNet",
            "ESRGAN",
            "RankSRGAN",
            "Fs-SRGAN",
            "FA+Fs-SRGAN",
            "FASRGAN",
            "Baseline",
        ),
        ("top1", "top5"),
        {
            "ImageNet": """
                0.526 0.464 0.488 0.410 0.454 0.334 0.342 0.338 0.337 0.323 0.241
                0.277 0.230 0.252 0.191 0.224 0.132 0.136 0.136 0.134 0.124 0.071"""
        },
        (
            "The paper's figures are of ResNet-50 on the first 1000 validation images; Baseline is the originals.",
        ),
    ),
    "table4": PaperTable(
        "Table IV: without and with the two mechanisms",
        ("w/o FA", "FASRGAN", "w/o Fs", "Fs-SRGAN"),
        QUALITY,
        {
            "PIRM test": """
                25.04 25.26 25.44 25.69
                0.6454 0.6523 0.6626 0.6785
                2.4251 2.1160 2.1420 2.2279
                0.0751 0.0718 0.0731 0.0695"""
        },
    ),
    "table5": PaperTable(
        "Table V: the weight λ2 of the attention loss in FASRGAN",
        ("λ2 0.05", "λ2 0.01", "λ2 0.005"),
        QUALITY,
        {
            "Urban100": """
                24.35 24.51 24.31
                0.7359 0.7380 0.7364
                3.5091 3.5173 3.5284
                0.0608 0.0588 0.0613""",
            "DIV2K val": """
                28.16 28.15 28.19
                0.7771 0.7903 0.7803
                3.1826 3.3303 3.2378
                0.0547 0.0542 0.0560""",
        },
        ("For λ2 0.01 on DIV2K val the paper prints what its Table I has for Fs-SRGAN, not for FASRGAN.",),
    ),
    "table6": PaperTable(
        "Table VI: the two mechanisms on SRGAN",
        ("SRGAN", "SRGAN_FA", "SRGAN_Fs"),
        QUALITY,
        {
            "Set5": """
                29.91 29.61 29.66
                0.8510 0.8437 0.8541
                3.4322 3.0651 3.4440
                0.0389 0.0341 0.0368""",
            "Set14": """
                26.56 26.11 26.27
                0.7093 0.6977 0.7179
                2.8549 2.7550 2.7705
                0.0696 0.0692 0.0669""",
            "Urban100": """
                24.39 24.00 24.04
                0.7309 0.7205 0.7331
                3.4814 3.4252 3.4818
                0.0693 0.0688 0.0691""",
            "BSD100": """
                25.50 25.35 25.46
                0.6528 0.6506 0.6650
                2.3054 2.2503 2.3348
                0.0887 0.0856 0.0876""",
        },
    ),
    "table7": PaperTable(
        "Table VII: RealSR, x4; FT is fine-tuned on its training images",
        (
            "SRCNN",
            "RCAN",
            "ESRGAN",
            "RankSRGAN",
            "FASRGAN",
            "Fs-SRGAN",
            "ZSSR",
            "FSSR",
            "ESRGAN (FT)",
            "FASRGAN (FT)",
            "Fs-SRGAN (FT)",
        ),
        QUALITY,
        {
            "RealSR v3": """
                27.69 27.65 27.57 27.56 27.57 27.47 27.56 26.68 26.67 27.57 25.82
                0.7808 0.7803 0.7748 0.7701 0.7732 0.7744 0.7719 0.7773 0.7378 0.7809 0.7663
                7.8679 7.8519 7.4819 7.0521 7.1178 7.3112 7.4666 7.0811 4.2885 5.0006 4.9929
                0.2290 0.2311 0.2215 0.2100 0.2111 0.2151 0.2069 0.1978 0.1134 0.1063 0.1121"""
        },
    ),
}
