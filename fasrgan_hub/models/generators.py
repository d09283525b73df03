"""The two generator backbones, each with or without a shared extractor (Sections III-B.2, III-C and Table VI).

Parameter counts: RRDBNet with 23 blocks 16,697,987, E(1)+G(16) and E(2)+G(15) 12,455,299;
SRResNet with 16 blocks 1,554,499, E(1)+G(13) 1,480,643.

Without sharing, the keys are those of the "new" ESRGAN layout (conv_first, body.i.rdbj.convk, conv_body, conv_up1,
conv_up2, conv_hr, conv_last), so that spandrel opens the file of an RRDBNet of growth 32 as it is, and of any other
growth as `fasrgan export` writes it. With sharing, `extractor.*` comes before them and conv_first takes its features.
"""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F

from ..hub.mixin import HubModel
from ..hub.model_files import SCALE
from .layers import (
    RRDB,
    Extractor,
    ResidualBlock,
    Trunk,
    checkpointed,
    conv3x3,
    initialise_residual,
    initialize,
)


class Generator(HubModel):
    """What both backbones share: (N, 3, H, W) in [0, 1] -> (N, 3, 4H, 4W), near [0, 1], not clamped; any H, W >= 1.

    Args:
        make_block: builds one residual block.
        blocks: how many of them follow the shared extractor.
        features: channels of the trunk.
        shared_blocks: blocks of the shared extractor E (Eq. 10); 0 builds a generator without sharing.
        up_channels: channels that an upsampling convolution gives.
        act: the activation of the upsampling part.
        init: "residual" (small weights inside the residual blocks only) or "paper" (0.1 on every layer of the
            generator, 1 on the extractor; thousands of steps pass before it beats bicubic).
    """

    scale = SCALE

    def __init__(
        self,
        make_block: Callable[[], nn.Module],
        blocks: int,
        features: int,
        shared_blocks: int,
        up_channels: int,
        act: nn.Module,
        init: str,
    ):
        super().__init__()

        def trunk(count: int) -> Trunk:
            return Trunk(*(make_block() for _ in range(count)))

        self.extractor = Extractor(trunk(shared_blocks), 3, features) if shared_blocks else None
        self.conv_first = conv3x3(features if shared_blocks else 3, features)
        self.body = trunk(blocks)
        self.conv_body = conv3x3(features, features)
        self.conv_up1 = conv3x3(features, up_channels)
        self.conv_up2 = conv3x3(features, up_channels)
        self.conv_hr = conv3x3(features, features)
        self.conv_last = conv3x3(features, 3)
        self.act = act
        self._initialize(init)

    def _initialize(self, init: str) -> None:
        if init == "residual":
            initialise_residual(self)
        elif init == "paper":
            initialize(self, 0.1)
            if self.extractor is not None:
                initialize(self.extractor, 1.0)
        else:
            raise ValueError(f"init is {init!r}; it must be 'residual' or 'paper'")

    def upsample(self, features: Tensor, conv: nn.Module) -> Tensor:
        """One x2 step: (N, features, H, W) -> (N, features, 2H, 2W)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        if self.extractor is not None:
            x = self.extractor(x)
        first = self.conv_first(x)
        x = first + self.conv_body(self.body(first))
        return checkpointed(self._enlarge, x) if self.body.gradient_checkpointing else self._enlarge(x)

    def enable_gradient_checkpointing(self) -> None:
        """Train with a fraction of the memory: keep what goes into each block, compute its inside again."""
        for layer in self.modules():
            if isinstance(layer, Trunk):
                layer.gradient_checkpointing = True

    def _enlarge(self, x: Tensor) -> Tensor:
        for conv in (self.conv_up1, self.conv_up2):
            x = self.act(self.upsample(x, conv))
        return self.conv_last(self.act(self.conv_hr(x)))


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
    ):
        super().__init__(
            lambda: RRDB(features, growth),
            blocks,
            features,
            shared_blocks,
            up_channels=features,
            act=nn.LeakyReLU(0.2, inplace=True),
            init=init,
        )

    def upsample(self, features: Tensor, conv: nn.Module) -> Tensor:
        return conv(F.interpolate(features, scale_factor=2, mode="nearest"))


class SRResNet(Generator):
    """SRGAN's generator without batch normalization, with pixel shuffle: SRGAN, SRGAN_FA and SRGAN_Fs."""

    def __init__(self, blocks: int, features: int, shared_blocks: int = 0, init: str = "residual"):
        super().__init__(
            lambda: ResidualBlock(features),
            blocks,
            features,
            shared_blocks,
            up_channels=4 * features,
            act=nn.ReLU(inplace=True),
            init=init,
        )

    def upsample(self, features: Tensor, conv: nn.Module) -> Tensor:
        return F.pixel_shuffle(conv(features), 2)
