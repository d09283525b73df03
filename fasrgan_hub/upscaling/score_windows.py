"""Score maps by windows: for discriminators whose output depends on the size of their input.

A UNet that upsamples with align_corners=True was trained on crops of one size. The map of an image is therefore
*defined* by windows of that size, on a fixed grid that starts outside the image, which is mirrored at its edges. The
windows overlap by half, and their maps are blended with smooth weights that sum to 1. So images of every size have a
map, there are no seams, and apart from the map itself memory does not grow with the image.
"""

from itertools import product

import numpy as np
import torch
from torch import nn

from ..images.pixels import as_input
from .tiles import Progress

WINDOW = 96
"""The side in pixels of a window for discriminators that take any size: the crop of the lite recipes."""
BATCH = 8
"""Windows that go through the discriminator at once."""


def predict_by_windows(
    network: nn.Module,
    window: int,
    device: torch.device,
    pixels: np.ndarray,
    progress: Progress | None = None,
) -> tuple[np.ndarray, float]:
    """The blended map of an image (H, W), zeros without one, and the mean logit, weighted by area.

    Args:
        network: (N, 3, window, window) in [0, 1] -> Scores; it lies on `device`.
        window: side of a window in pixels.
        pixels: (H, W, 1 or 3) of any type.
        progress: called with (windows done, windows in all).
    """
    height, width = pixels.shape[:2]
    overlap = window // 2
    # All that follows counts from the start of the first window, which lies outside the image.
    margins = overlap, window
    rows, columns = (np.pad(np.arange(side), margins, mode="reflect") for side in (height, width))
    rows_inside, columns_inside = (np.pad(np.ones(side), margins) for side in (height, width))
    starts = [range(0, overlap + side, window - overlap) for side in (height, width)]
    places = [np.s_[top : top + window, left : left + window] for top, left in product(*starts)]
    weights = _blending_weights(window, overlap)
    values = np.zeros((len(rows), len(columns)), np.float32)
    logit = 0.0
    for done in range(0, len(places), BATCH):
        batch = places[done : done + BATCH]
        windows = np.stack([pixels[np.ix_(rows[down], columns[across])] for down, across in batch])
        logits, maps = _score_windows(network, device, windows)
        for (down, across), window_logit in zip(batch, logits, strict=True):
            logit += float(window_logit * (rows_inside[down] @ weights @ columns_inside[across]))
        for place, score_map in zip(batch, maps, strict=False):  # no maps, nothing to add
            values[place] += weights * score_map
        if progress is not None:
            progress(done + len(batch), len(places))
    values = values[overlap:, overlap:][:height, :width]
    return values.clip(0, 1, out=values), logit / (height * width)


@torch.inference_mode()
def _score_windows(
    network: nn.Module, device: torch.device, windows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Windows (N, window, window, 1 or 3) -> logits (N,) and maps (N, window, window); no maps if it has none."""
    x = torch.from_numpy(as_input(windows)).to(device, memory_format=torch.channels_last)
    image, score_map = network(x)
    maps = np.empty(0) if score_map is None else score_map.sigmoid().mean(dim=1).cpu().numpy()
    return image[:, 0].cpu().numpy(), maps


def _blending_weights(window: int, overlap: int) -> np.ndarray:
    """(window, window): smooth, and those of all windows at a pixel sum to 1."""
    ramp = np.sin(np.pi / 2 * (np.arange(overlap) + 0.5) / overlap) ** 2  # ramp + ramp[::-1] == 1
    weights = np.concatenate((ramp, np.ones(window - 2 * overlap), ramp[::-1])).astype(np.float32)
    return np.outer(weights, weights)
