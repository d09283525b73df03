"""The two generator backbones, each with or without a shared extractor (Sections III-B.2, III-C and Table VI).

Parameter counts: RRDBNet with 23 blocks 16,697,987, E(1)+G(16) and E(2)+G(15) 12,455,299;
SRResNet with 16 blocks 1,554,499, E(1)+G(13) 1,480,643.

Without sharing, the keys are those of the "new" ESRGAN layout (conv_first, body.i.rdbj.convk, conv_body, conv_up1,
conv_up2, conv_hr, conv_last), so that spandrel opens the file of an RRDBNet of growth 32 and scale 1, 2 or 4 as it
is, and of a smaller growth as `fasrgan export` writes it. Scale 3 (without conv_up2) is this package's own. With
sharing, `extractor.*` comes before these keys, and conv_first takes the extractor's features.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import UserError, WrongTypeError
from ..hub.mixin import HubModel
from ..hub.model_files import SCALE, UNSHUFFLE
from .layers import (
    RRDB,
    Extractor,
    ResidualBlock,
    Trunk,
    checkpointed,
    conv3x3,
    initialize,
    initialize_residual,
)

SCALES = tuple(UNSHUFFLE)


def cell_side(scale: int) -> int:
    """Side in HR pixels of the cell that a generator of that scale makes of one place of its trunk."""
    return scale * UNSHUFFLE[scale]


class Generator(HubModel):
    """What both backbones share: (N, 3, H, W) in [0, 1] -> (N, 3, sH, sW), near [0, 1], not clamped; any H, W >= 1.

    The scale s is 4 by two steps of 2, 3 by one step, and 2 or 1 by two steps of 2 on a pixel-unshuffled image of
    a half or a quarter of the size, as in Real-ESRGAN.

    Args:
        make_block: builds one residual block.
        blocks: how many of them follow the shared extractor.
        features: channels of the trunk.
        shared_blocks: blocks of the shared extractor E (Eq. 10); 0 builds a generator without sharing.
        act: the activation of the upsampling part.
        init: "residual" (small weights inside the residual blocks only) or "paper" (0.1 on every layer of the
            generator, 1 on the extractor; thousands of steps pass before it beats bicubic).
        scale: one of `SCALES`.

    Calling it raises UserError for anything but a batch of RGB images in floating point.
    """

    def __init__(
        self,
        make_block: Callable[[], nn.Module],
        blocks: int,
        features: int,
        shared_blocks: int,
        act: nn.Module,
        init: str,
        scale: int,
    ):
        super().__init__()
        if scale not in SCALES:
            raise ValueError(f"scale is {scale}; it must be one of {', '.join(map(str, SCALES))}")

        def trunk(count: int) -> Trunk:
            return Trunk(*(make_block() for _ in range(count)))

        self.scale = scale
        self.unshuffle = UNSHUFFLE[scale]
        factor = 3 if scale == 3 else 2
        self.extractor = Extractor(trunk(shared_blocks), 3, features) if shared_blocks else None
        self.conv_first = conv3x3((features if shared_blocks else 3) * self.unshuffle**2, features)
        self.body = trunk(blocks)
        self.conv_body = conv3x3(features, features)
        self.conv_up1 = self.upsampling_conv(features, factor)
        if scale != 3:
            self.conv_up2 = self.upsampling_conv(features, factor)
        self.conv_hr = conv3x3(features, features)
        self.conv_last = conv3x3(features, 3)
        self.act = act
        self._initialize(init)

    def _initialize(self, init: str) -> None:
        if init == "residual":
            initialize_residual(self)
        elif init == "paper":
            initialize(self, 0.1)
            if self.extractor is not None:
                initialize(self.extractor, 1.0)
        else:
            raise ValueError(f"init is {init!r}; it must be 'residual' or 'paper'")

    def upsampling_conv(self, features: int, factor: int) -> nn.Conv2d:
        """The convolution of one upsampling step."""
        raise NotImplementedError

    def upsample(self, x: Tensor, conv: nn.Module, factor: int) -> Tensor:
        """One upsampling step: (N, features, H, W) -> (N, features, factor * H, factor * W)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        if not torch.jit.is_tracing():  # type: ignore[no-untyped-call]
            check_input(x, type(self).__name__)
        height, width = x.shape[-2:]
        if self.extractor is not None:
            x = self.extractor(x)
        if self.unshuffle > 1:
            x = F.pixel_unshuffle(pad_to_multiple(x, self.unshuffle), self.unshuffle)
        first = self.conv_first(x)
        x = first + self.conv_body(self.body(first))
        x = checkpointed(self._enlarge, x) if self.body.gradient_checkpointing else self._enlarge(x)
        return x[..., : self.scale * height, : self.scale * width] if self.unshuffle > 1 else x

    def enable_gradient_checkpointing(self) -> None:
        """Train with a fraction of the memory: keep what goes into each block, compute its inside again."""
        for layer in self.modules():
            if isinstance(layer, Trunk):
                layer.gradient_checkpointing = True

    def _enlarge(self, x: Tensor) -> Tensor:
        x = self.act(self.upsample(x, self.conv_up1, 3 if self.scale == 3 else 2))
        if self.scale != 3:
            x = self.act(self.upsample(x, self.conv_up2, 2))
        enlarged: Tensor = self.conv_last(self.act(self.conv_hr(x)))
        return enlarged


class RRDBNet(Generator):
    """ESRGAN's generator: the backbone of ESRGAN, FASRGAN, Fs-SRGAN and FA+Fs-SRGAN.

    Args:
        growth: channels that each convolution of a dense block adds. The others as in `Generator`.
    """

    def __init__(
        self,
        blocks: int,
        features: int,
        growth: int,
        shared_blocks: int = 0,
        init: str = "residual",
        scale: int = SCALE,
    ):
        act = nn.LeakyReLU(0.2, inplace=True)
        super().__init__(lambda: RRDB(features, growth), blocks, features, shared_blocks, act, init, scale)

    def upsampling_conv(self, features: int, factor: int) -> nn.Conv2d:
        return conv3x3(features, features)

    def upsample(self, x: Tensor, conv: nn.Module, factor: int) -> Tensor:
        enlarged: Tensor = conv(F.interpolate(x, scale_factor=factor, mode="nearest"))
        return enlarged


class SRResNet(Generator):
    """SRGAN's generator without batch normalization, with pixel shuffle: SRGAN, SRGAN_FA and SRGAN_Fs."""

    def __init__(
        self,
        blocks: int,
        features: int,
        shared_blocks: int = 0,
        init: str = "residual",
        scale: int = SCALE,
    ):
        act = nn.ReLU(inplace=True)
        super().__init__(lambda: ResidualBlock(features), blocks, features, shared_blocks, act, init, scale)

    def upsampling_conv(self, features: int, factor: int) -> nn.Conv2d:
        return conv3x3(features, factor**2 * features)

    def upsample(self, x: Tensor, conv: nn.Module, factor: int) -> Tensor:
        return F.pixel_shuffle(conv(x), factor)


def check_input(x: Tensor, name: str) -> None:
    """Raise UserError unless `x` is a batch of RGB images in floating point."""
    if x.ndim == 4 and x.shape[1] == 3 and x.is_floating_point():
        return
    kind = UserError if x.is_floating_point() else WrongTypeError
    raise kind(
        f"{name} takes a batch of RGB images, (N, 3, H, W) floats in [0, 1], not {tuple(x.shape)} {x.dtype}; "
        "Upscaler takes images of every kind"
    )


def pad_to_multiple(x: Tensor, factor: int) -> Tensor:
    """(N, C, H, W), continued at the bottom and on the right up to a multiple of `factor` a side.

    Mirrored as by `torch.nn.functional.pad(mode="reflect")`. Where the image is too small for that, its first row or
    column is repeated. Indices, because a traced network has to do it for every size.
    """
    for dim in (2, 3):
        last = x.shape[dim] - 1
        index = torch.arange((last + factor) // factor * factor, device=x.device)
        x = x.index_select(dim, (last - (last - index).abs()).clamp(min=0))
    return x
