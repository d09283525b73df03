"""Score maps by tiles: for discriminators that say the same of a pixel in every tile around it.

A UNet with aligned upsampling is fully convolutional. Tiles that begin at multiples of its stride and overlap by its
`reach` give the map of the whole image, through the engines that enlarge images.
"""

import numpy as np
import torch
from torch import Tensor, nn

from ..images.pixels import as_input
from ..models.discriminators import STRIDE, Discriminator
from .engines.network import Engine
from .tiles import Progress, upscale_bands

TILE = 1024
"""Side in pixels of what a tile adds to the map: that of the results of the Upscaler's tiles."""


class MapAndLogit(nn.Module):
    """(N, 3, H, W) in [0, 1] -> (N, 2, H, W): M in [0, 1], its mean over the channels, and at every pixel C(x).

    Args:
        discriminator: one with a map.
        extractor: the generator's shared extractor, if the discriminator works on its features.
    """

    def __init__(self, discriminator: Discriminator, extractor: nn.Module | None):
        super().__init__()
        self.extractor = nn.Identity() if extractor is None else extractor
        self.discriminator = discriminator

    def forward(self, images: Tensor) -> Tensor:
        image, score_map = self.discriminator(self.extractor(images))
        scores = score_map.sigmoid().mean(dim=1, keepdim=True)
        return torch.cat((scores, image[:, :, None, None].expand_as(scores)), dim=1)


def predict_by_tiles(
    engine: Engine, reach: int, pixels: np.ndarray, progress: Progress | None = None
) -> tuple[np.ndarray, float]:
    """The map of an image (H, W), and the mean of the tiles' logits, weighted by the area that each tile adds.

    Args:
        engine: runs `MapAndLogit`.
        reach: how many pixels away the image changes a pixel of the map.
        pixels: (H, W, 1 or 3) of any type; sides below `STRIDE` are mirrored.
        progress: called with (tiles done, tiles in all).
    """
    height, width = pixels.shape[:2]
    margins = [(0, max(0, STRIDE - side)) for side in (height, width)]
    padded = np.pad(pixels, (*margins, (0, 0)), mode="reflect") if margins != [(0, 0)] * 2 else pixels
    values, logit, row = np.empty(padded.shape[:2], np.float32), 0.0, 0

    def run(tile: np.ndarray) -> np.ndarray:
        scored: np.ndarray = engine(as_input(tile[None]))[0].transpose(1, 2, 0)
        return scored

    for band in upscale_bands(run, padded, TILE, reach, progress, STRIDE):
        values[row : row + len(band)] = band[:, :, 0]
        logit += float(band[:, :, 1].sum(dtype=np.float64))
        row += len(band)
    return values[:height, :width].clip(0, 1), logit / values.size
