"""The convolutional stacks of VGG19, VGG16 and AlexNet, frozen, in plain torch.

Layers stand at the indices of the `features` module that torchvision and timm publish, up to the last ReLU.
"""

import logging

import torch
from torch import Tensor, nn

from ..errors import UserError
from .weights import load_weights

logger = logging.getLogger(__name__)

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

# Convolutions in each of the five blocks of a VGG, and their channels.
VGG_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
VGG_CHANNELS = (64, 128, 256, 512, 512)


def feature_network(name: str) -> nn.Sequential:
    """The stack `name` ("vgg19", "vgg16" or "alexnet") with its ImageNet weights, frozen, in eval mode.

    (N, 3, H, W), normalized as the network expects it -> the output of the last convolution after its ReLU.
    Gradients pass through to the input. Raises UserError if the weights cannot be loaded.
    """
    if name not in (*VGG_BLOCKS, "alexnet"):
        raise ValueError(f"feature network is {name!r}; it must be vgg19, vgg16 or alexnet")
    network = alexnet() if name == "alexnet" else vgg(name)
    network.load_state_dict(load_weights(name))
    return network.eval().requires_grad_(False)


class PerceptualFeatures(nn.Module):
    """Deep features before their ReLU: the phi of the perceptual loss (Eq. 4).

    (N, 3, H, W) in [0, 1] -> for each of `blocks` (N, C, H / 2^(block-1), W / 2^(block-1)), rounded down, times
    its weight; sides of 2^(block-1) px or more. The images are normalized to ImageNet's statistics here.

    Args:
        network: "vgg19" (the paper), "vgg16", or "auto": VGG19 where the Hub or its cache has it, otherwise
            VGG16, with one line of warning. The attribute `name` is the network that was taken.
        blocks: the features are those of the last convolution of these blocks, each with its weight. {5: 1} is
            conv5_4 of VGG19 (the paper) or conv5_3 of VGG16; lower blocks look at finer detail and at color.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: str = "auto", blocks: dict[int, float] | None = None):
        super().__init__()
        if network not in ("auto", *VGG_BLOCKS):
            raise ValueError(f"network is {network!r}; it must be auto, vgg19 or vgg16")
        blocks = {5: 1.0} if blocks is None else blocks
        if not blocks or not set(blocks) <= {1, 2, 3, 4, 5}:
            raise ValueError(f"blocks are {sorted(blocks)}; they must be from 1 to 5")
        self.name, stack = _best_vgg() if network == "auto" else (network, feature_network(network))
        # A block is its convolutions with a ReLU each, and a pooling layer that the last one lacks.
        counts = VGG_BLOCKS[self.name]
        self.weights = {sum(2 * c + 1 for c in counts[:block]) - 3: w for block, w in blocks.items()}
        self.layers = nn.Sequential(*list(stack)[: max(self.weights) + 1])
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = (x - self.mean) / self.std
        features = []
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number in self.weights:  # the product is a copy: the ReLU that follows works in place
                features.append(self.weights[number] * x)
        return features


def _best_vgg() -> tuple[str, nn.Sequential]:
    try:
        return "vgg19", feature_network("vgg19")
    except UserError as error:
        logger.warning("%s; the perceptual loss uses VGG16 instead of VGG19", error)
        return "vgg16", feature_network("vgg16")


def vgg(name: str) -> nn.Sequential:
    """An uninitialized VGG stack, "vgg16" or "vgg19"."""
    layers: list[nn.Module] = []
    channels = 3
    for count, outputs in zip(VGG_BLOCKS[name], VGG_CHANNELS, strict=True):
        for _ in range(count):
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            channels = outputs
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[:-1])


def alexnet() -> nn.Sequential:
    """An uninitialized AlexNet stack."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, stride=2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(inplace=True),
    )
