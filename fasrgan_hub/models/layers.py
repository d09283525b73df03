"""Building blocks of the networks: residual dense blocks, residual blocks, the shared extractor, initialization.

The blocks are those of ESRGAN (RRDB) and of SRGAN without batch normalization (ResidualBlock), as in the paper
(Section III-B.2 and Table VI). Attributes have the names of the "new" ESRGAN layout, so that programs that read ESRGAN
files can open a saved generator.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

RESIDUAL_SCALE = 0.2


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps the image's size (zero padding)."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1)


class ResidualDenseBlock(nn.Module):
    """Five densely connected 3x3 convolutions with a scaled skip. (N, features, H, W) -> the same shape."""

    def __init__(self, features: int, growth: int):
        super().__init__()
        self.conv1 = conv3x3(features, growth)
        self.conv2 = conv3x3(features + growth, growth)
        self.conv3 = conv3x3(features + 2 * growth, growth)
        self.conv4 = conv3x3(features + 3 * growth, growth)
        self.conv5 = conv3x3(features + 4 * growth, features)
        self.act = nn.LeakyReLU(0.2, inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        dense = x
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            dense = torch.cat((dense, self.act(conv(dense))), dim=1)
        return torch.add(x, self.conv5(dense), alpha=RESIDUAL_SCALE)


class RRDB(nn.Module):
    """Residual-in-residual dense block: three dense blocks with a scaled skip around them."""

    def __init__(self, features: int, growth: int):
        super().__init__()
        self.rdb1 = ResidualDenseBlock(features, growth)
        self.rdb2 = ResidualDenseBlock(features, growth)
        self.rdb3 = ResidualDenseBlock(features, growth)

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, self.rdb3(self.rdb2(self.rdb1(x))), alpha=RESIDUAL_SCALE)


class ResidualBlock(nn.Module):
    """conv - ReLU - conv with a skip, without batch normalization (the SRGAN systems of Table VI)."""

    def __init__(self, features: int):
        super().__init__()
        self.conv1 = conv3x3(features, features)
        self.conv2 = conv3x3(features, features)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, self.conv2(self.act(self.conv1(x))))


class Trunk(nn.Sequential):
    """Residual blocks in a row.

    With `gradient_checkpointing`, training keeps only what goes into each block and computes its inside again in the
    backward pass: much less memory, the same gradients, about a third more time.
    """

    gradient_checkpointing = False

    def forward(self, x: Tensor) -> Tensor:
        for block in self:
            x = checkpointed(block, x) if self.gradient_checkpointing else block(x)
        return x


def checkpointed(module: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """module(x), of which only `x` is kept for the backward pass, which computes the rest again."""
    if not torch.is_grad_enabled():
        return module(x)
    y: Tensor = checkpoint(module, x, use_reentrant=False, preserve_rng_state=False)
    return y


class Extractor(nn.Module):
    """The shared low-level extractor E of Eq. 10: a first convolution, blocks and a trunk convolution with a skip.

    Size-preserving, so that it serves LR images (generator) and HR or SR images (discriminator) alike:
    (N, in_channels, H, W) -> (N, features, H, W).
    """

    def __init__(self, blocks: Trunk, in_channels: int, features: int):
        super().__init__()
        self.conv_first = conv3x3(in_channels, features)
        self.body = blocks
        self.conv_body = conv3x3(features, features)

    def forward(self, x: Tensor) -> Tensor:
        first = self.conv_first(x)
        return torch.add(first, self.conv_body(self.body(first)))


@torch.no_grad()
def initialize(module: nn.Module, scale: float) -> None:
    """Kaiming-normal (fan in) weights times `scale`, biases 0, batch norm at identity: the reference's start.

    The paper's run uses 0.1 for generators and 1 for the extractor and the discriminators. With 0.1 on every
    layer a generator needs thousands of steps before it passes bicubic; see `initialize_residual`.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            layer.weight.mul_(scale)
            if layer.bias is not None:
                layer.bias.zero_()


@torch.no_grad()
def initialize_residual(module: nn.Module) -> None:
    """0.1 x Kaiming-normal inside residual blocks, torch's default elsewhere: better than bicubic after 700 steps."""
    for block in module.modules():
        if isinstance(block, ResidualDenseBlock | ResidualBlock):
            initialize(block, 0.1)
