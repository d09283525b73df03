"""LPIPS with AlexNet, versions 0.0 and 0.1.

Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", 2018. The paper
reports version 0.0 on the whole picture. The linear heads are those in the lpips package, which is looked up
but not imported, since it needs torchvision; the trunk is `feature_network("alexnet")`. The numbers are those
of `lpips.LPIPS(net="alex", version=...)`.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import UserError
from ..features import feature_network
from .pixels import rgb8_pair, size_of

SMALLEST = 31  # pixels a side, below which AlexNet's pooling has nothing left

# Version 0.1 normalises pictures in [-1, 1] by these; version 0.0 forgot to.
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)


class LPIPS(nn.Module):
    """Learned perceptual distance, 0 for equal pictures, seldom above 1.

    Args:
        version: "0.0" (the paper) or "0.1" (the default of the lpips package).

    Raises UserError if the lpips package is missing or AlexNet's weights cannot be had.
    """

    shift: Tensor
    scale: Tensor

    def __init__(self, version: str = "0.0"):
        super().__init__()
        if version not in ("0.0", "0.1"):
            raise UserError(f"there is no LPIPS version {version!r}; take 0.0 (the paper) or 0.1")
        heads = _linear_heads(version)
        self.trunk = feature_network("alexnet")
        self.heads = nn.ParameterList(nn.Parameter(head, requires_grad=False) for head in heads)
        normalised = version == "0.1"
        self.register_buffer("shift", torch.tensor(SHIFT if normalised else (0.0,) * 3).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor(SCALE if normalised else (1.0,) * 3).view(1, 3, 1, 1))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(N, 3, H, W) twice, in [0, 1], sides of 31 or more -> (N,). Differentiable."""
        distance = x.new_zeros(len(x))
        x, y = ((2 * picture - 1 - self.shift) / self.scale for picture in (x, y))
        heads = iter(self.heads)
        for layer in self.trunk:
            x, y = layer(x), layer(y)
            if isinstance(layer, nn.ReLU):
                difference = (_unit(x) - _unit(y)) ** 2
                distance = distance + F.conv2d(difference, next(heads)).mean(dim=(1, 2, 3))
        return distance

    @torch.inference_mode()
    def score(self, sr: np.ndarray, hr: np.ndarray) -> float:
        """The distance of two H x W x 3 uint8 pictures as they are, no border shaved."""
        sr, hr = rgb8_pair(sr, hr)
        if min(sr.shape[:2]) < SMALLEST:
            raise UserError(f"LPIPS needs {SMALLEST}x{SMALLEST} pixels; this picture has {size_of(sr)}")

        def tensor(picture: np.ndarray) -> Tensor:
            planes = torch.from_numpy(picture.transpose(2, 0, 1).copy())[None]
            return planes.to(self.shift.device, torch.float32) / 255

        return float(self(tensor(sr), tensor(hr)))


def _unit(features: Tensor) -> Tensor:
    """Features scaled to unit length at every place."""
    return features / (features.norm(dim=1, keepdim=True) + 1e-10)


def _linear_heads(version: str) -> list[Tensor]:
    """Five (1, C, 1, 1) weightings of AlexNet's channels, out of the installed lpips package."""
    spec = find_spec("lpips")
    if spec is None or spec.origin is None:
        raise UserError("LPIPS needs the lpips package; pip install 'fasrgan-hub[evaluate]'")
    path = Path(spec.origin).parent / "weights" / f"v{version}" / "alex.pth"
    weights = torch.load(path, map_location="cpu", weights_only=True)
    return [weights[f"lin{number}.model.1.weight"] for number in range(5)]
