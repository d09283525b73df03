"""DISTS: how far apart structure and texture are, the latter however it is shifted.

Ding et al., "Image quality assessment: unifying structure and texture similarity", 2020. The trunk is
`feature_network("vgg16")` with gaussian pooling in place of its maxima; the weighting of its channels is that
of the authors' package dists-pytorch (MIT), downloaded once from the package index by its hash.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..backbones import feature_network
from ..backbones.networks import IMAGENET_MEAN, IMAGENET_STD
from ..backbones.package_index import packaged_weights
from ..errors import UserError
from .lpips import as_tensor
from .pixels import rgb8_pair, size_of

SMALLEST = 16
CHANNELS = (3, 64, 128, 256, 512, 512)
STABLE = 1e-6


class DISTS(nn.Module):
    """Structure and texture distance, 0 for equal images, about 1 at most.

    Raises UserError if the weights cannot be loaded.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        stages: list[list[nn.Module]] = [[]]
        for layer in feature_network("vgg16"):
            if isinstance(layer, nn.MaxPool2d):
                stages.append([GaussianPool()])
            else:
                stages[-1].append(layer)
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in stages)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        weighting = packaged_weights("dists")
        whole = weighting["alpha"].sum() + weighting["beta"].sum()
        self.alpha = nn.Parameter(weighting["alpha"] / whole, requires_grad=False)
        self.beta = nn.Parameter(weighting["beta"] / whole, requires_grad=False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(N, 3, H, W) twice, in [0, 1], sides of 16 or more -> (N,). Differentiable."""
        features = torch.cat((x, y)).contiguous(memory_format=torch.channels_last)
        similarity = x.new_zeros(len(x))
        weights = zip(self.alpha.split(CHANNELS), self.beta.split(CHANNELS), strict=True)
        for stage, (alpha, beta) in zip((None, *self.stages), weights, strict=True):
            if stage is not None:
                first = stage is self.stages[0]
                features = stage((features - self.mean) / self.std if first else features)
            exact = features.to(x.dtype)  # under autocast they are bf16
            means = exact.mean(dim=(2, 3), keepdim=True)
            mean_a, mean_b = means.flatten(1).chunk(2)
            # Centered first, where the authors subtract the product of the means after: flat regions cancel exactly.
            a, b = (exact - means).chunk(2)
            variances = a.square().mean(dim=(2, 3)) + b.square().mean(dim=(2, 3))
            covariance = (a * b).mean(dim=(2, 3))
            texture = (2 * mean_a * mean_b + STABLE) / (mean_a**2 + mean_b**2 + STABLE)
            structure = (2 * covariance + STABLE) / (variances + STABLE)
            similarity = similarity + (texture * alpha + structure * beta).sum(dim=1)
        return 1 - similarity

    @torch.inference_mode()
    def score(self, sr: np.ndarray, hr: np.ndarray) -> float:
        """The distance of two H x W x 3 uint8 images as they are: no border shaved, not shrunk to 256 pixels."""
        sr, hr = rgb8_pair(sr, hr)
        if min(sr.shape[:2]) < SMALLEST:
            raise UserError(f"DISTS needs {SMALLEST}x{SMALLEST} pixels; this image has {size_of(sr)}")
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            return float(self(as_tensor(sr, self.alpha.device), as_tensor(hr, self.alpha.device)))


class GaussianPool(nn.Module):
    """Halves the sides: the root of a weighted mean of squares over 3 x 3 pixels."""

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        slope = torch.tensor([0.5, 1.0, 0.5])
        self.register_buffer("window", torch.outer(slope, slope) / 4)

    def forward(self, x: Tensor) -> Tensor:
        window = self.window.expand(x.shape[1], 1, 3, 3)
        return (F.conv2d(x**2, window, stride=2, padding=1, groups=x.shape[1]) + 1e-12).sqrt()
