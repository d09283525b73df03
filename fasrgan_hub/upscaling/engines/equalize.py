"""Rescaling of a network's features to a more equal range, for which 256 levels suffice.

A dense block reads its input and the features of its own convolutions as one tensor, and int8 divides the range of
the largest channel into 256 levels for all of them: small channels get only a few. Leaky ReLU commutes with a positive
factor, so a channel may be multiplied in the convolution that makes it and divided in those that read it. The factor is
the square root of the missing range (as in SmoothQuant), since the weights that read a channel are rounded too.
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
        images: (1, 3, h, w) in [0, 1], on which the range of the features is measured.
    """
    blocks = [layer for layer in network.modules() if isinstance(layer, ResidualDenseBlock)]
    largest: dict[nn.Module, Tensor] = {}

    def measure(conv: nn.Module, inputs: tuple[Tensor]) -> None:
        values = inputs[0].abs().amax(dim=(0, 2, 3))
        largest[conv] = torch.maximum(largest.get(conv, values), values)

    hooks = [block.conv5.register_forward_pre_hook(measure) for block in blocks]
    for image in images if blocks else []:
        network(torch.from_numpy(image))
    for hook in hooks:
        hook.remove()
    for block in blocks:
        _equalize(block, largest[block.conv5])
    return network


def _equalize(block: ResidualDenseBlock, largest: Tensor) -> None:
    convs = [block.conv1, block.conv2, block.conv3, block.conv4, block.conv5]
    inputs, growth = block.conv1.in_channels, block.conv1.out_channels
    factors = (largest[:inputs].max() / largest[inputs:].clamp_min(1e-6)).sqrt().clamp(1 / 16, 16)
    for index, (conv, factor) in enumerate(zip(convs, factors.split(growth), strict=False)):
        conv.weight.mul_(factor[:, None, None, None])
        assert conv.bias is not None
        conv.bias.mul_(factor)
        first = inputs + index * growth
        for later in convs[index + 1 :]:
            later.weight[:, first : first + growth].div_(factor[:, None, None])
