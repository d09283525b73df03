"""LPIPS with AlexNet or VGG16, versions 0.0 and 0.1.

Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", 2018. The paper
reports AlexNet, version 0.0, on the whole image (Eq. 12). The linear heads are those in the lpips package,
which is looked up but not imported, since it needs torchvision; the trunk is `feature_network`. The numbers
are those of `lpips.LPIPS(net=..., version=...)`.
"""

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..backbones import feature_network
from ..errors import MissingPackageError, UserError
from .pixels import rgb8_pair, size_of

VERSIONS = ("0.0", "0.1")
TRUNKS = {"alex": "alexnet", "vgg": "vgg16"}

# Pixels a side, below which the trunk's pooling has nothing left.
SMALLEST = {"alex": 31, "vgg": 16}

# Version 0.1 normalizes images in [-1, 1] by these; version 0.0 forgot to.
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)


class LPIPS(nn.Module):
    """Learned perceptual distance, 0 for equal images, seldom above 1.

    Args:
        version: "0.0" (the paper) or "0.1" (the default of the lpips package).
        net: "alex" (the paper) or "vgg", which takes 20 times as long.

    Raises UserError if the lpips package is missing or the trunk's weights cannot be loaded.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, version: str = "0.0", net: str = "alex"):
        super().__init__()
        if version not in VERSIONS:
            raise UserError(f"there is no LPIPS version {version!r}; take 0.0 (the paper) or 0.1")
        if net not in TRUNKS:
            raise UserError(f"there is no LPIPS of {net!r}; take alex (the paper) or vgg")
        heads = _linear_heads(version, net)
        self.net = net
        # Channels last is the quicker order on CPUs and on GPUs.
        self.trunk = feature_network(TRUNKS[net]).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.taps = _taps(self.trunk, every=net == "alex")
        self.heads = nn.ParameterList(nn.Parameter(head.flatten(), requires_grad=False) for head in heads)
        normalized = version == "0.1"
        self.register_buffer("shift", torch.tensor(SHIFT if normalized else (0.0,) * 3).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(SCALE if normalized else (1.0,) * 3).view(1, 3, 1, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(N, 3, H, W) twice, in [0, 1], sides of 31 (alex) or 16 (vgg) or more -> (N,). Differentiable."""
        count = len(x)
        both = (2 * torch.cat((x, y)) - 1 - self.shift) / self.scale
        features = both.contiguous(memory_format=torch.channels_last)
        distance = x.new_zeros(count)
        heads = iter(self.heads)
        for position, layer in enumerate(self.trunk):
            features = layer(features)
            if position in self.taps:
                exact = features.to(x.dtype)  # under autocast they are bf16
                unit = exact / (torch.linalg.vector_norm(exact, dim=1, keepdim=True) + 1e-10)
                difference = (unit[:count] - unit[count:]).square().mean(dim=(2, 3))
                distance = distance + (difference * next(heads)).sum(dim=1)
        return distance

    @torch.inference_mode()
    def score(self, sr: np.ndarray, hr: np.ndarray) -> float:
        """The distance of two H x W x 3 uint8 images as they are, no border shaved."""
        sr, hr = rgb8_pair(sr, hr)
        least = SMALLEST[self.net]
        if min(sr.shape[:2]) < least:
            raise UserError(f"LPIPS needs {least}x{least} pixels; this image has {size_of(sr)}")
        # CUDA's convolutions would otherwise round to 10 bits of mantissa: 1e-4 in the score.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return float(self(as_tensor(sr, self.shift.device), as_tensor(hr, self.shift.device)))


def as_tensor(image: np.ndarray, device: torch.device) -> Tensor:
    """H x W x 3 uint8 -> (1, 3, H, W) float32 in [0, 1] on `device`."""
    planes = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    return planes.to(device, torch.float32) / 255


def _taps(trunk: nn.Sequential, every: bool) -> set[int]:
    """Where the distance is taken: after every ReLU, or after the last one of each block."""
    ends = [isinstance(after, nn.MaxPool2d) for _, after in pairwise(trunk)] + [True]
    relus = [isinstance(layer, nn.ReLU) for layer in trunk]
    return {i for i, (relu, end) in enumerate(zip(relus, ends, strict=True)) if relu and (every or end)}


def _linear_heads(version: str, net: str) -> list[Tensor]:
    """Five (1, C, 1, 1) weightings of the trunk's channels, out of the installed lpips package."""
    spec = find_spec("lpips")
    if spec is None or spec.origin is None:
        raise MissingPackageError("LPIPS needs the lpips package; pip install 'fasrgan-hub[evaluate]'")
    path = Path(spec.origin).parent / "weights" / f"v{version}" / f"{net}.pth"
    weights = torch.load(path, map_location="cpu", weights_only=True)
    return [weights[f"lin{number}.model.1.weight"] for number in range(5)]
