"""The network behind the error map: how wrong a result is likely to be at each pixel.

It is small, needs no discriminator, and sees what every user has: the result and the image that was enlarged. It works
on cells, the squares of a result that come from one place of the generator's trunk, and sees contrasts as logarithms:
an error grows in proportion to them.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..hub.mixin import HubModel
from ..hub.model_files import SCALE, UNSHUFFLE
from .generators import SCALES, cell_side, pad_to_multiple
from .layers import initialize

CUES = 13
"""Channels of `ErrorEstimator.cues`."""
LUMA = (0.299, 0.587, 0.114)
LEVEL = 1 / 255
MIDDLE, SPREAD = 2.25, 3.25
"""Of the logarithm of what is predicted: exp(-1) to exp(5.5) gray levels."""
MOST = 255.0


class ErrorEstimator(HubModel):
    """The absolute error that a result is expected to have, its mean over the channels, in gray levels.

    (N, 3, sH, sW) result, (N, 3, H, W) small image, both in [0, 1] -> (N, 1, sH, sW) in [0, 255]; any H, W >= 1.

    Args:
        scale: s, how many times the generator enlarges.
        width: channels.
        dilations: of the 3x3 convolutions, one for each layer but the last.
    """

    KNOTS: ClassVar[tuple[float, ...]] = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
    """Gray levels at which the calibration bends."""

    def __init__(self, scale: int = SCALE, width: int = 24, dilations: tuple[int, ...] = (1, 1, 2, 1)):
        super().__init__()
        if scale not in SCALES:
            raise ValueError(f"scale is {scale}; it must be one of {', '.join(map(str, SCALES))}")
        self.scale, self.cell, self.unshuffle = scale, cell_side(scale), UNSHUFFLE[scale]
        self.dilations = tuple(dilations)
        channels, layers = CUES, []
        for dilation in self.dilations:
            layers += [_conv(channels, width, dilation), nn.LeakyReLU(0.2, inplace=True)]
            channels = width
        last = _conv(channels, 1, 1)
        initialize(last, 0.1)
        self.layers = nn.Sequential(*layers, last)
        self.slopes: Tensor
        self.register_buffer("slopes", torch.ones(len(self.KNOTS)))

    @property
    def reach(self) -> int:
        """How many pixels away the small image still changes a cell of the map."""
        beyond = 3  # the last convolution, the gradients, the interpolation
        return self.unshuffle * (sum(self.dilations) + beyond)

    def forward(self, result: Tensor, small: Tensor) -> Tensor:
        return self.calibrated(self.raw(result, small))

    def raw(self, result: Tensor, small: Tensor) -> Tensor:
        """The map before calibration."""
        height, width = result.shape[-2:]
        cues = self.cues(pad_to_multiple(result, self.cell), pad_to_multiple(small, self.unshuffle))
        levels = (MIDDLE + SPREAD * self.layers(cues).tanh()).exp()
        enlarged = F.interpolate(levels, scale_factor=self.cell, mode="bilinear", align_corners=False)
        return enlarged[..., :height, :width]

    def cues(self, result: Tensor, small: Tensor) -> Tensor:
        """(N, `CUES`, H / unshuffle, W / unshuffle): what the convolutions see of each cell.

        Colors; contrast of the colors within the cell; how far the result, shrunk, is from the small image; and the
        gradients of both along rows and columns.
        """
        shrunk = F.avg_pool2d(result, self.scale)
        means, squares = (F.avg_pool2d(each, self.cell) for each in (result, result**2))
        contrasts = [
            (squares - means**2).clamp(min=0).sqrt(),
            F.avg_pool2d((small - shrunk).abs(), self.unshuffle),
            *(F.avg_pool2d(each, self.cell) for each in _gradients(result)),
            *(F.avg_pool2d(each, self.unshuffle) for each in _gradients(small)),
        ]
        logarithms = ((torch.cat(contrasts, dim=1) + LEVEL).log() + 4) / 1.5
        return torch.cat((2 * F.avg_pool2d(small, self.unshuffle) - 1, logarithms), dim=1)

    def calibrated(self, raw: Tensor) -> Tensor:
        """`raw` through a piecewise linear curve: `slopes` from knot to knot, >= 0, which keep the order of pixels."""
        total = torch.zeros_like(raw)
        for slope, start, end in zip(self.slopes, self.KNOTS, (*self.KNOTS[1:], MOST), strict=True):
            total = total + slope * (raw - start).clamp(0, end - start)
        return total.clamp(max=MOST)


def _gradients(images: Tensor) -> tuple[Tensor, Tensor]:
    """The differences of each pixel's luma from the next, along rows and columns, both (N, 1, H, W)."""
    y = (images * images.new_tensor(LUMA)[:, None, None]).sum(dim=1, keepdim=True)
    y = F.pad(y, (0, 1, 0, 1), mode="replicate")
    here = y[..., :-1, :-1]
    return (y[..., :-1, 1:] - here).abs(), (y[..., 1:, :-1] - here).abs()


def _conv(inputs: int, outputs: int, dilation: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps the size; the edge is repeated, as a border of zeros would look like an edge."""
    return nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation, padding_mode="replicate")
