"""The same network with features of more equal size, which 256 levels describe better.

A dense block reads its input and the features of its own convolutions as one tensor, and int8 divides the range of
the largest channel into 256 levels for all of them: small channels are left with a few. Leaky ReLU lets a positive
factor pass, so that a channel may be enlarged where it is made and shrunk by as much where it is read. The square
root of what is missing is made up (as SmoothQuant does), since the weights that read a channel are rounded too.
"""

import numpy as np
import torch
from torch import Tensor, nn

from ...models.layers import ResidualDenseBlock


@torch.inference_mode()
def equalize(network: nn.Module, images: list[np.ndarray]) -> nn.Module:
    """Rescale the dense blocks of `network`, which is changed and returned; it computes the same up to rounding.

    Args:
        network: a generator in eval mode; one without dense blocks stays as it is.
        images: (1, 3, h, w) in [0, 1], on which the size of features is looked at.
    """
    blocks = [layer for layer in network.modules() if isinstance(layer, ResidualDenseBlock)]
    largest: dict[nn.Module, Tensor] = {}

    def look(conv: nn.Module, inputs: tuple[Tensor]) -> None:
        seen = inputs[0].abs().amax(dim=(0, 2, 3))
        largest[conv] = torch.maximum(largest.get(conv, seen), seen)

    hooks = [block.conv5.register_forward_pre_hook(look) for block in blocks]
    for image in images if blocks else []:
        network(torch.from_numpy(image))
    for hook in hooks:
        hook.remove()
    for block in blocks:
        _equalize(block, largest[block.conv5])
    return network


def _equalize(block: ResidualDenseBlock, largest: Tensor) -> None:
    convs = [block.conv1, block.conv2, block.conv3, block.conv4, block.conv5]
    given, growth = block.conv1.in_channels, block.conv1.out_channels
    factors = (largest[:given].max() / largest[given:].clamp_min(1e-6)).sqrt().clamp(1 / 16, 16)
    for index, (conv, factor) in enumerate(zip(convs, factors.split(growth), strict=False)):
        conv.weight.mul_(factor[:, None, None, None])
        assert conv.bias is not None
        conv.bias.mul_(factor)
        first = given + index * growth
        for later in convs[index + 1 :]:
            later.weight[:, first : first + growth].div_(factor[:, None, None])
