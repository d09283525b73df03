"""The two discriminators of the paper (Fig. 2, Section III-B.1; Section III-C.2).

Both answer with `Scores`: the raw logit of the whole image and, for the UNet, raw logits for every pixel and
channel. Both take images in [0, 1] without normalization, or the features of a shared extractor. With `input` "haar"
they see only the fine bands of the images, which is not in the paper.

Deliberate differences from the reference: its UNet gives the first batch norm of each block an eps equal to the
number of channels, an argument in the wrong place (here the option `bn_eps_slip`). Fig. 2 draws a 3x3 last convolution
and one more convolution before the image head; the reference and this file have a 1x1 convolution and none.
"""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from ..hub.mixin import HubModel
from .layers import RRDB, Extractor, Trunk, conv3x3, initialize

NORMS = ("batch", "spectral", "none")
INPUTS = ("image", "haar")
UPSAMPLES = ("paper", "aligned")
REACH = 58
"""`UNetDiscriminator.reach` of three poolings, fourteen 3x3 convolutions and three aligned upsamplings."""
STRIDE = 8
"""Side in pixels of what the three poolings of the UNet make one place of."""


class Scores(NamedTuple):
    """The logits of a discriminator: `image` (N, 1) is C(x), `map` (N, 3, H, W) is M(x), None without a decoder."""

    image: Tensor
    map: Tensor | None


class Head(nn.Module):
    """Features (N, channels, H, W) -> one logit for each image (N, 1).

    With `crop` = 0 the features are averaged over the image, whose size may be any. Otherwise they are flattened, as in
    the paper, and images must be squares of `crop` pixels.
    """

    def __init__(self, channels: int, shrink: int, hidden: int, crop: int):
        super().__init__()
        if crop % shrink:
            raise ValueError(f"crop is {crop}; it must be a multiple of {shrink}, or 0 for the pooled head")
        self.crop = crop
        self.shrink = shrink
        self.linear1 = nn.Linear(channels * max(1, (crop // shrink) ** 2), hidden)
        self.linear2 = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        if self.crop == 0:
            x = x.mean(dim=(2, 3))
        elif x.shape[-2:] != (self.crop // self.shrink,) * 2:
            size = "x".join(str(side * self.shrink) for side in x.shape[-2:])
            raise ValueError(f"this discriminator takes {self.crop}x{self.crop} images, not about {size}")
        logit: Tensor = self.linear2(F.leaky_relu(self.linear1(x.flatten(1)), 0.2))
        return logit


def norm_layer(norm: str, channels: int, eps: float = 1e-5) -> nn.Module:
    if norm not in NORMS:
        raise ValueError(f"norm is {norm!r}; it must be one of {', '.join(NORMS)}")
    return nn.BatchNorm2d(channels, eps=eps) if norm == "batch" else nn.Identity()


class HaarBands(nn.Module):
    """The horizontal, vertical and diagonal bands of one level of a stationary Haar transform.

    (N, 3, H, W) in [0, 1] -> (N, 9, H, W) in [-1, 1]; 0 where the color is constant. A discriminator that sees these
    bands alone cannot shift colors: Korkmaz et al., "Training generative image super-resolution models by
    wavelet-domain losses", 2024 (arXiv 2402.19215), there with another wavelet.
    """

    def forward(self, images: Tensor) -> Tensor:
        padded = F.pad(images, (0, 1, 0, 1), mode="replicate")
        above, below = padded[..., :-1, :], padded[..., 1:, :]
        low, high = (above + below) / 2, (above - below) / 2
        bands = [high[..., :-1] + high[..., 1:], low[..., :-1] - low[..., 1:], high[..., :-1] - high[..., 1:]]
        return torch.cat(bands, dim=1)


def _bands(kind: str, in_channels: int) -> tuple[nn.Module, int]:
    """What a discriminator does first with its input, and the channels that come out."""
    if kind not in INPUTS:
        raise ValueError(f"input is {kind!r}; it must be one of {', '.join(INPUTS)}")
    if kind == "image":
        return nn.Identity(), in_channels
    if in_channels != 3:
        raise ValueError(
            "input is 'haar'; the features of a shared extractor have no bands, only images have"
        )
    return HaarBands(), 9


def _own_extractor(blocks: int, in_channels: int, width: int) -> tuple[nn.Module, int]:
    """An extractor like the generator's and the channels that come out, or nothing and `in_channels`."""
    if not blocks:
        return nn.Identity(), in_channels
    rrdbs = Trunk(*(RRDB(width, max(1, width // 2)) for _ in range(blocks)))
    return Extractor(rrdbs, in_channels, width), width


def stretched_like(x: Tensor, larger: Tensor) -> Tensor:
    """`x` at the size of `larger`, bilinear: the corner pixels stay in the corners, as in the reference."""
    return F.interpolate(x, size=larger.shape[-2:], mode="bilinear", align_corners=True)


def aligned_like(x: Tensor, larger: Tensor) -> Tensor:
    """`x` enlarged by exactly 2, bilinear; the last row and column are repeated where `larger` has odd sides."""
    x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return F.pad(x, (0, larger.shape[-1] - x.shape[-1], 0, larger.shape[-2] - x.shape[-2]), mode="replicate")


def reach_of(extractor: nn.Module) -> int:
    """How many pixels away the input still changes an output of a chain of 3x3 convolutions, or of the bands."""
    return sum(isinstance(layer, nn.Conv2d | HaarBands) for layer in extractor.modules())


def _start(network: nn.Module, norm: str) -> None:
    initialize(network, 1.0)
    if norm == "spectral":
        for layer in list(network.modules()):
            if isinstance(layer, nn.Conv2d):
                spectral_norm(layer)


class Discriminator(HubModel):
    """(N, in_channels, H, W) -> Scores; `has_map` says whether they come with a score map."""

    has_map: ClassVar[bool]

    @property
    def reach(self) -> int | None:
        """How many pixels away the image still changes a pixel of the map; None if all of it does, or has no map."""
        return None


class UNetDiscriminator(Discriminator):
    """Fig. 2: a UNet with a score for the image and a score map of the image's size.

    (N, in_channels, H, W), H and W >= 8 -> Scores((N, 1), (N, 3, H, W)).

    Args:
        in_channels: 3 for images, the generator's `features` behind a shared extractor.
        own_blocks: RRDBs of an extractor of its own before everything else (the ablation without sharing).
        width: channels at full size (64 in the paper); 2x and 4x that below.
        crop: the training crop in HR pixels for the paper's flattening head, 0 for the pooled head.
        hidden: width of the hidden layer of the image head.
        norm: "batch" (the paper), "spectral" (every convolution divided by its largest gain) or "none".
        bn_eps_slip: give the first batch norm of each block eps = its channels, as the reference code does.
        input: "image", or "haar" for the `HaarBands` of the images alone.
        upsample: "paper" (bilinear with align_corners=True, whose factor depends on the size of the image), or
            "aligned" (bilinear by exactly 2): then a pixel of the map depends on the image within `reach` pixels
            alone, and moving the image by 8 pixels moves the map. Both have the same weights.
    """

    has_map = True

    def __init__(
        self,
        in_channels: int = 3,
        width: int = 64,
        crop: int = 192,
        hidden: int = 1024,
        norm: str = "batch",
        own_blocks: int = 0,
        bn_eps_slip: bool = False,
        input: str = "image",
        upsample: str = "paper",
    ):
        super().__init__()
        if upsample not in UPSAMPLES:
            raise ValueError(f"upsample is {upsample!r}; it must be one of {', '.join(UPSAMPLES)}")
        self.upsample = aligned_like if upsample == "aligned" else stretched_like

        def block(inputs: int, outputs: int) -> nn.Sequential:
            return nn.Sequential(
                conv3x3(inputs, outputs),
                norm_layer(norm, outputs, float(outputs) if bn_eps_slip else 1e-5),
                nn.ReLU(inplace=True),
                conv3x3(outputs, outputs),
                norm_layer(norm, outputs),
                nn.ReLU(inplace=True),
            )

        self.bands, in_channels = _bands(input, in_channels)
        self.extractor, in_channels = _own_extractor(own_blocks, in_channels, width)
        self.down = nn.ModuleList(
            [
                block(in_channels, width),
                block(width, 2 * width),
                block(2 * width, 4 * width),
                block(4 * width, 4 * width),
            ]
        )
        self.up = nn.ModuleList(
            [block(8 * width, 2 * width), block(4 * width, width), block(2 * width, width)]
        )
        self.map_head = nn.Conv2d(width, 3, kernel_size=1)
        self.image_head = Head(4 * width, 8, hidden, crop)
        _start(self, norm)

    @property
    def reach(self) -> int | None:
        """See `Discriminator.reach`. In eval mode, for images whose place is a multiple of `STRIDE` pixels."""
        if self.image_head.crop or self.upsample is stretched_like:
            return None
        return REACH + reach_of(self.extractor) + reach_of(self.bands)

    def forward(self, x: Tensor) -> Scores:
        x = self.extractor(self.bands(x))
        skips: list[Tensor] = []
        for block in self.down:
            x = block(F.max_pool2d(skips[-1], 2) if skips else x)
            skips.append(x)
        image = self.image_head(skips.pop())
        for block in self.up:
            skip = skips.pop()
            x = block(torch.cat((skip, self.upsample(x, skip)), dim=1))
        return Scores(image, self.map_head(x))


class VGGDiscriminator(Discriminator):
    """The VGG-like discriminator of ESRGAN, SRGAN and Fs-SRGAN: strided convolutions instead of pooling.

    (N, in_channels, H, W) -> Scores((N, 1), None). With the pooled head H and W >= 2 ** stages.

    Args:
        in_channels: 3 for images, the generator's `features` behind a shared extractor.
        own_blocks: RRDBs of an extractor of its own before everything else (the ablation without sharing).
        width: channels of the first pair (64 in the paper), doubled up to 8x.
        crop: the training crop in HR pixels for the paper's flattening head (six pairs from 192 px on, five
            below), 0 for the pooled head (five pairs).
        hidden: width of the hidden layer of the image head.
        norm: "batch" (the paper), "spectral" (every convolution divided by its largest gain) or "none".
        input: "image", or "haar" for the `HaarBands` of the images alone.
    """

    has_map = False

    def __init__(
        self,
        in_channels: int = 3,
        width: int = 64,
        crop: int = 192,
        hidden: int = 100,
        norm: str = "batch",
        own_blocks: int = 0,
        input: str = "image",
    ):
        super().__init__()
        stages = 6 if crop >= 192 else 5
        layers: list[nn.Module] = []
        self.bands, channels = _bands(input, in_channels)
        self.extractor, channels = _own_extractor(own_blocks, channels, width)
        for stage in range(stages):
            outputs = width * min(2**stage, 8)
            layers += [
                conv3x3(channels, outputs),
                norm_layer(norm if stage else "none", outputs),
                nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(outputs, outputs, kernel_size=4, stride=2, padding=1),
                norm_layer(norm, outputs),
                nn.LeakyReLU(0.2, inplace=True),
            ]
            channels = outputs
        self.features = nn.Sequential(*layers)
        self.image_head = Head(channels, 2**stages, hidden, crop)
        _start(self, norm)

    def forward(self, x: Tensor) -> Scores:
        return Scores(self.image_head(self.features(self.extractor(self.bands(x)))), None)
