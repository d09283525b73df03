"""The metrics by name: how each is made, printed and compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..devices import move
from ..errors import UserError
from .distortion import color_shift, lr_psnr, psnr, rmse, ssim
from .dists import DISTS
from .grid import grid
from .lpips import LPIPS
from .niqe import niqe
from .perceptual_index import Ma, perceptual_index

Measure = Callable[[np.ndarray, np.ndarray], float]
"""(sr, hr), both H x W x 3 uint8 of one size -> the score."""


@dataclass(frozen=True)
class MetricOptions:
    """Options of the metrics.

    Args:
        border: pixels that PSNR, SSIM and RMSE shave from every side; the paper's is 4.
        luma: whether these three look at Y alone, as the paper does, or at the three colors.
        device: where LPIPS and DISTS run; None is CUDA if there is one, else the CPU. Ma runs on the CPU by default.
    """

    border: int = 4
    luma: bool = True
    device: str | None = None


@dataclass(frozen=True)
class Metric:
    """A row of `METRICS`.

    Args:
        label: as tables print it.
        digits: after the point, as the paper prints them.
        higher: whether more is better.
        make: makes its measure; None for a metric that `combine` computes from the scores of `parts`.
        from_lr: whether it compares with the LR image instead of the original.
        shaves: whether border and luma change it.
        big: whether it takes gigabytes for an image of DIV2K, so that images go one by one.
        version: raised when its numbers change, so that older cached scores are not used.
    """

    label: str
    digits: int
    higher: bool
    make: Callable[[MetricOptions], Measure] | None = None
    parts: tuple[str, ...] = ()
    combine: Callable[..., float] | None = None
    from_lr: bool = False
    shaves: bool = False
    big: bool = False
    version: int = 1

    @property
    def described(self) -> str:
        """For an axis."""
        return f"{self.label} ({'higher' if self.higher else 'lower'} is better)"


def _pixels(metric: Callable[..., float]) -> Callable[[MetricOptions], Measure]:
    return lambda options: partial(metric, border=options.border, luma=options.luma)


def _network(build: Callable[[], LPIPS | DISTS]) -> Callable[[MetricOptions], Measure]:
    def make(options: MetricOptions) -> Measure:
        network = build()
        move(network, options.device)
        return network.score

    return make


METRICS: dict[str, Metric] = {
    "psnr": Metric("PSNR", 2, True, _pixels(psnr), shaves=True),
    "ssim": Metric("SSIM", 4, True, _pixels(ssim), shaves=True),
    "lr-psnr": Metric("LR-PSNR", 2, True, _pixels(lr_psnr), from_lr=True, shaves=True),
    "rmse": Metric("RMSE", 2, False, _pixels(rmse), shaves=True),
    "lpips": Metric("LPIPS", 4, False, _network(lambda: LPIPS("0.0"))),
    "lpips-0.1": Metric("LPIPS 0.1", 4, False, _network(lambda: LPIPS("0.1"))),
    "lpips-vgg": Metric("LPIPS VGG", 4, False, _network(lambda: LPIPS("0.1", "vgg")), big=True),
    "lpips-vgg-0.0": Metric("LPIPS VGG 0.0", 4, False, _network(lambda: LPIPS("0.0", "vgg")), big=True),
    "dists": Metric("DISTS", 4, False, _network(DISTS), big=True),
    "niqe": Metric("NIQE", 4, False, lambda options: niqe),
    "color": Metric("Color shift", 2, False, lambda options: color_shift),
    "grid": Metric("Grid", 2, False, lambda options: grid, version=2),
    "ma": Metric("Ma", 4, True, lambda options: Ma(options.device).score, big=True, version=2),
    "pi": Metric("PI", 4, False, parts=("ma", "niqe"), combine=perceptual_index, big=True, version=2),
}

DEFAULT_METRICS = "psnr,ssim,lpips"
"""Those of the paper's Table I that need no optional package of restricted use."""


def metric_names(metrics: str | Sequence[str]) -> list[str]:
    """Split "psnr, LPIPS" or a list into names, each once; raises UserError for an unknown metric or none at all."""
    listed = metrics.split(",") if isinstance(metrics, str) else metrics
    names = list(dict.fromkeys(name.strip().lower() for name in listed))
    for name in names:
        if name not in METRICS:
            raise UserError(f"there is no metric '{name}'; there are {', '.join(METRICS)}")
    if not names:
        raise UserError(f"name at least one metric: {', '.join(METRICS)}")
    return names


class Meter:
    """Computes several metrics of an image, shared parts of them once.

    >>> Meter(["psnr", "rmse", "lpips"], MetricOptions())(sr, hr)
    {'psnr': 28.1, 'rmse': 10.0, 'lpips': 0.09}
    """

    def __init__(self, names: Sequence[str], options: MetricOptions):
        self.names = list(names)
        basic = dict.fromkeys(part for name in names for part in METRICS[name].parts or (name,))
        self.measures = {name: make(options) for name in basic if (make := METRICS[name].make)}

    def __call__(
        self, sr: np.ndarray, hr: np.ndarray, lr_pair: tuple[np.ndarray, np.ndarray] | None = None
    ) -> dict[str, float]:
        """The scores of a result.

        Args:
            sr, hr: the result and the original, of one size.
            lr_pair: the whole result and the LR image that it was made from; metrics with `from_lr` need it.
        """
        scores = {
            name: measure(*self._compared(name, sr, hr, lr_pair)) for name, measure in self.measures.items()
        }
        for name in self.names:
            if combine := METRICS[name].combine:
                scores[name] = combine(*(scores[part] for part in METRICS[name].parts))
        return {name: scores[name] for name in self.names}

    def _compared(
        self, name: str, sr: np.ndarray, hr: np.ndarray, lr_pair: tuple[np.ndarray, np.ndarray] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        if not METRICS[name].from_lr:
            return sr, hr
        if lr_pair is None:
            raise UserError(f"{name} compares a result with its LR image; give that too")
        return lr_pair
