"""The network behind the error map: how wrong a result is likely to be at each pixel.

It is small, needs no discriminator, and sees what every user has: the result and the image that was enlarged. It works
on cells, the squares of a result that come from one place of the generator's trunk. Contrasts are seen as logarithms,
since an error grows in proportion to them, and averaged over three sizes of surroundings. One number says how damaged
the small image is as a whole: what an error depends on is another in clean images and in those with noise.

The best cue costs most: where another model draws a clean image differently, one of the two is wrong. An estimator may
name such a model, its reference, and then knows more of an image whose result by the reference it is given.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..hub.mixin import HubModel
from ..hub.model_files import SCALE, UNSHUFFLE
from .generators import SCALES, cell_side, pad_to_multiple
from .layers import initialize

CUES = 16
"""Channels of `ErrorEstimator.cues`."""
SURROUNDINGS = (3, 7)
"""Sides in cells of the squares over which cues are averaged."""
FACTS = 12
"""Numbers of `image_facts`."""
SHARPENING = 0.8
"""How much of a cell's difference from its surroundings is added to it, since the interpolation blurs the cells."""
LUMA = (0.299, 0.587, 0.114)
LEVEL = 1 / 255
MIDDLE, SPREAD = 2.25, 3.25
"""Of the logarithm of what is predicted: exp(-1) to exp(5.5) gray levels."""
MOST = 255.0
CLEAN = 1.0
"""The damage up to which a reference is of use; it is the logarithm of gray levels.

Noise makes two results differ everywhere."""


class ErrorEstimator(HubModel):
    """The absolute error that a result is expected to have, its mean over the channels, in gray levels.

    (N, 3, sH, sW) result, (N, 3, H, W) small image, both in [0, 1] -> (N, 1, sH, sW) in [0, 255]; any H, W >= 1.

    Args:
        scale: s, how many times the generator enlarges.
        width: channels.
        reference: the name of a bundled model, or a Hub id, whose results of clean images are of use; empty for none.
    """

    KNOTS: ClassVar[tuple[float, ...]] = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
    """Gray levels at which the calibration bends."""

    center: Tensor
    spread: Tensor
    slopes: Tensor

    def __init__(self, scale: int = SCALE, width: int = 32, reference: str = ""):
        super().__init__()
        if scale not in SCALES:
            raise ValueError(f"scale is {scale}; it must be one of {', '.join(map(str, SCALES))}")
        self.scale, self.cell, self.unshuffle = scale, cell_side(scale), UNSHUFFLE[scale]
        self.reference = reference
        own = CUES + bool(reference)
        channels = own * (1 + len(SURROUNDINGS)) + 1 + bool(reference)
        heads = 1 + bool(reference)  # the first one needs the reference's result, if there is a reference
        self.damage = nn.Sequential(
            nn.BatchNorm1d(FACTS, affine=False), nn.Linear(FACTS, 12), nn.Tanh(), nn.Linear(12, 1)
        )
        self.layers = nn.Sequential(
            nn.Conv2d(channels, width, 1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, width, 1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, heads, 1),
        )
        self.direct = nn.Conv2d(channels, heads, 1)
        for last in (self.layers[-1], self.direct):
            initialize(last, 0.1)
        self.register_buffer("center", torch.zeros(channels))
        self.register_buffer("spread", torch.ones(channels))
        self.register_buffer("slopes", torch.ones(len(self.KNOTS)))

    @property
    def compared(self) -> Tensor:
        """(C,) bool: the cues that the reference's result is needed for."""
        own = [False] * CUES + [True] * bool(self.reference)
        whole = [False] * (1 + bool(self.reference))
        return torch.tensor([*own * (1 + len(SURROUNDINGS)), *whole], device=self.center.device)

    @property
    def reach(self) -> int:
        """How many pixels away the small image still changes a cell of the map, but for `damage`."""
        averages = 2 * (max(SURROUNDINGS) // 2)  # `_coherence` averages, too
        return self.unshuffle * (averages + 3)  # and gradients, sharpening and interpolation reach by one

    def forward(
        self, result: Tensor, small: Tensor, damage: Tensor | None = None, other: Tensor | None = None
    ) -> Tensor:
        """The map; `damage` is that of the whole image (N, 1), default that of `small`.

        `other` is the result of the reference. It is to be given if the damage is at most `CLEAN`, and without it the
        map is less exact.
        """
        return self.calibrated(self.raw(result, small, damage, other))

    def raw(
        self, result: Tensor, small: Tensor, damage: Tensor | None = None, other: Tensor | None = None
    ) -> Tensor:
        """The map before calibration."""
        height, width = result.shape[-2:]
        levels = self.levels(self.normalized(self.cues(result, small, damage, other)))
        levels = (levels + SHARPENING * (levels - _average(levels, 3))).clamp(min=0)
        enlarged = F.interpolate(levels, scale_factor=self.cell, mode="bilinear", align_corners=False)
        return enlarged[..., :height, :width]

    def damage_of(self, small: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 1): the logarithm of how far, in gray levels, it is from a clean image, as it seems."""
        damage: Tensor = self.damage(image_facts(small))
        return damage

    def levels(self, cues: Tensor) -> Tensor:
        """Normalized cues of each cell -> the gray levels that are expected there, before calibration."""
        outputs: Tensor = self.layers(cues) + self.direct(cues)
        if self.reference:
            outputs = torch.where(cues[:, -1:] > 0, outputs[:, 1:], outputs[:, :1])
        return (MIDDLE + SPREAD * outputs.tanh()).exp()

    def normalized(self, cues: Tensor) -> Tensor:
        """(N, C, h, w) with the mean 0 and the spread 1 that the training's crops had; 0 for what is not known."""
        normalized = (cues - self.center[:, None, None]) / self.spread[:, None, None]
        if not self.reference:
            return normalized
        unknown = self.compared[:, None, None] & (cues[:, -1:] > 0)
        return normalized.masked_fill(unknown, 0.0)

    def cues(
        self, result: Tensor, small: Tensor, damage: Tensor | None = None, other: Tensor | None = None
    ) -> Tensor:
        """(N, C, h, w): what the network sees of each cell: its own cues, their averages around it, the damage.

        With a reference the last of them is whether its result is missing.
        """
        damage = self.damage_of(small) if damage is None else damage
        result, small = pad_to_multiple(result, self.cell), pad_to_multiple(small, self.unshuffle)
        own = torch.cat((self._of_result(result), self._of_small(result, small)), dim=1)
        whole = damage[:, :, None, None].expand(-1, -1, *own.shape[-2:])
        if self.reference:
            other_result = result if other is None else pad_to_multiple(other, self.cell)
            own = torch.cat((own, self._of_both(result, other_result)), dim=1)
            whole = torch.cat((whole, torch.full_like(whole, float(other is None))), dim=1)
        return torch.cat((own, *(_average(own, side) for side in SURROUNDINGS), whole), dim=1)

    def _of_both(self, result: Tensor, other: Tensor) -> Tensor:
        """How far the results of model and reference are from each other."""
        difference = (result - other).abs().mean(dim=1, keepdim=True)
        return _logarithms([F.avg_pool2d(difference, self.cell)])

    def _of_result(self, result: Tensor) -> Tensor:
        """Contrasts of the result in each cell, and whether they have a direction."""

        def pool(x: Tensor) -> Tensor:
            return F.avg_pool2d(x, self.cell)

        y = _luma(result)
        along, down = _gradients(y)
        deviation = (pool(result**2) - pool(result) ** 2).clamp(min=0).sqrt().mean(dim=1, keepdim=True)
        chroma = result - y
        contrasts = (
            deviation,
            pool((along**2 + down**2 + 1e-12).sqrt()),
            pool(along.abs()),
            pool(down.abs()),
            pool(_second_difference(y).abs()),
            F.max_pool2d(y, self.cell) + F.max_pool2d(-y, self.cell),
            pool(chroma.abs().mean(dim=1, keepdim=True)),
            _color_contrast(chroma, pool),
        )
        tensor = [pool(along**2), pool(down**2), pool(along * down)]
        return torch.cat((_logarithms(contrasts), *_coherence(tensor)), dim=1)

    def _of_small(self, result: Tensor, small: Tensor) -> Tensor:
        """Contrasts of the small image, how far the result, shrunk, is from it, and its brightness."""

        def pool(x: Tensor) -> Tensor:
            return F.avg_pool2d(x, self.unshuffle)

        y = _luma(small)
        along, down = _gradients(y)
        lost = (small - F.avg_pool2d(result, self.scale)).abs().mean(dim=1, keepdim=True)
        contrasts = (
            pool(lost),
            pool((along**2 + down**2 + 1e-12).sqrt()),
            pool(_second_difference(y).abs()),
        )
        tensor = [pool(along**2), pool(down**2), pool(along * down)]
        return torch.cat((_logarithms(contrasts), *_coherence(tensor), 2 * pool(y) - 1), dim=1)

    def calibrated(self, raw: Tensor) -> Tensor:
        """`raw` through a piecewise linear curve: `slopes` from knot to knot, >= 0, which keep the order of pixels."""
        total = torch.zeros_like(raw)
        for slope, start, end in zip(self.slopes, self.KNOTS, (*self.KNOTS[1:], MOST), strict=True):
            total = total + slope * (raw - start).clamp(0, end - start)
        return total.clamp(max=MOST)


def image_facts(small: Tensor) -> Tensor:
    """(N, 3, H, W) -> (N, `FACTS`): what tells noise, blur and blocks of compression in an image as a whole."""
    y = _luma(small)
    along, down = _gradients(y)
    second = _second_difference(y).abs()
    floor = -F.max_pool2d(F.pad(-_average(second, 3), (3, 3, 3, 3), mode="replicate"), 7, 1)
    contrasts = ((along**2 + down**2 + 1e-12).sqrt(), second, floor, _color_contrast(small - y, lambda x: x))
    maps = torch.cat((_logarithms(contrasts), _coherence([along**2, down**2, along * down])[0]), dim=1)
    blocks = [_period_of_eight(_logarithms([each.abs()]), dim) for each, dim in ((along, -2), (down, -1))]
    mean = _mean(maps)
    deviation = _mean((maps - mean) ** 2).sqrt()
    return torch.cat((mean[..., 0, 0], deviation[..., 0, 0], *blocks), dim=1)


def _mean(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 1, 1), row by row: onnxruntime-web adds in float32 one after the other."""
    return x.mean(dim=3, keepdim=True).mean(dim=2, keepdim=True)


def _luma(images: Tensor) -> Tensor:
    return (images * images.new_tensor(LUMA)[:, None, None]).sum(dim=1, keepdim=True)


def _gradients(x: Tensor) -> tuple[Tensor, Tensor]:
    """The differences of each pixel from the next, along rows and columns; 0 at the ends."""
    x = F.pad(x, (0, 1, 0, 1), mode="replicate")
    here = x[..., :-1, :-1]
    return x[..., :-1, 1:] - here, x[..., 1:, :-1] - here


def _second_difference(x: Tensor) -> Tensor:
    """Four times each pixel less its four neighbors."""
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    rows, columns = padded[..., 1:-1], padded[..., 1:-1, :]
    return 4 * x - rows[..., :-2, :] - rows[..., 2:, :] - columns[..., :-2] - columns[..., 2:]


def _color_contrast(chroma: Tensor, pool: Callable[[Tensor], Tensor]) -> Tensor:
    along, down = _gradients(chroma)
    squares = along**2 + down**2
    return pool(squares.mean(dim=1, keepdim=True) + 1e-12).sqrt()


def _average(x: Tensor, side: int) -> Tensor:
    """The mean of the square of `side` places around each place, of the same size."""
    reach = side // 2
    x = F.avg_pool2d(F.pad(x, (reach, reach, 0, 0), mode="replicate"), (1, side), 1)
    return F.avg_pool2d(F.pad(x, (0, 0, reach, reach), mode="replicate"), (side, 1), 1)


def _coherence(tensor: Iterable[Tensor]) -> list[Tensor]:
    """From the structure tensor (xx, yy, xy): 1 where all gradients around have one direction, 0 where all have."""
    tensor = list(tensor)
    coherences = []
    for side in SURROUNDINGS:
        xx, yy, xy = (_average(each, side) for each in tensor)
        coherences.append(((xx - yy) ** 2 + 4 * xy**2 + 1e-12).sqrt() / (xx + yy + 1e-5))
    return coherences


def _logarithms(contrasts: Iterable[Tensor]) -> Tensor:
    return ((torch.cat(list(contrasts), dim=1) + LEVEL / 4).log() + 4.5) / 1.5


def _period_of_eight(x: Tensor, dim: int) -> Tensor:
    """(N, 1, H, W) -> (N, 1): the amplitude of what repeats every eight pixels across `dim`'s mean."""
    profile = x.mean(dim=dim)
    angles = torch.arange(profile.shape[-1], device=x.device) * (torch.pi / 4)
    waves = torch.stack((angles.cos(), angles.sin()))
    profile = profile - profile.mean(dim=-1, keepdim=True)
    return (profile @ waves.T / profile.shape[-1]).square().sum(dim=-1).sqrt()
