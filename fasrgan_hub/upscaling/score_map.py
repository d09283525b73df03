"""The score map of an image: what a discriminator says of every pixel (M of Fig. 2 and Section III-B.1).

The output of a UNet that upsamples with align_corners=True depends on the size of its input, and it was trained on
crops of one size. The map of an image is therefore *defined* by windows of that size, on a fixed grid that starts
outside the image, which is mirrored at its edges. The windows overlap by half, and their maps are blended with
smooth weights that sum to 1. So images of every size have a map, there are no seams, and apart from the map itself
memory does not grow with the image.

Batch norm uses its running statistics. A map shows where the texture looks generated; `evaluation.trust` measures
how well it predicts the true error.
"""

from copy import deepcopy
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from ..devices import move
from ..errors import UserError
from ..hub.model_files import DEFAULT_MODEL, ModelFiles, model_files
from ..images.inputs import ImageInput, decode
from ..metrics.pixels import rgb8
from ..models.discriminators import Discriminator
from ..systems import PAPER, from_pretrained, load_discriminator
from . import score_map_rendering
from .tiles import Progress

WINDOW = 96
"""The side in pixels of a window for discriminators that take any size: the crop of the lite recipes."""
BATCH = 8
"""Windows that go through the discriminator at once."""


@dataclass(frozen=True)
class ScoreMap:
    """What the discriminator says of one image.

    Args:
        values: (H, W) float32 in [0, 1]: the sigmoid of M, its mean over the three channels. Near 1 the pixel is
            taken for photographed, near 0 for generated.
        score: the mean of `values`; it does not depend on the size of the image.
        logit: the image head's C(x) of Fig. 2, the mean over the windows, weighted by the area that they cover. It
            was trained on differences (Eq. 1): compare it between versions of one image only.
    """

    values: np.ndarray
    score: float
    logit: float

    def heat_map(self) -> Image.Image:
        """The map in colors, dark for 0 and bright for 1; it has the size of the image."""
        return Image.fromarray(score_map_rendering.colored(self.values))

    def overlay(self, image: ImageInput) -> Image.Image:
        """The image of this map in 8-bit RGB, tinted red where it is taken for generated."""
        pixels = _colors(image)
        if pixels.shape[:2] != self.values.shape:
            raise UserError("the score map is of an image of another size")
        if pixels.dtype.kind == "f":
            pixels = np.rint(pixels.clip(0, 1) * 255).astype(np.uint8)
        return Image.fromarray(score_map_rendering.tinted(rgb8(pixels), self.values))

    def legend(self, width: int = 480) -> Image.Image:
        """The color bars of heat map and overlay, `width` pixels wide."""
        return score_map_rendering.legend(width)

    def sheet(self, image: ImageInput) -> Image.Image:
        """Overlay, heat map and legend on one page."""
        return score_map_rendering.sheet(self.overlay(image), self.heat_map())


class ScoreMapPredictor:
    """The discriminator that came with a model, for images of any size.

    >>> ScoreMapPredictor("fasrgan-lite-x4")("photo_x4.png").heat_map().save("scores.png")

    Args:
        model: a bundled name, a folder or a Hub id; its `discriminator/` is loaded, and its generator's shared
            extractor where the discriminator works on that. Or a discriminator, which is copied.
        extractor: the generator's shared extractor, for a discriminator that works on its features; also copied.
        revision: branch, tag or commit of a Hub id.
        device: default CUDA if there is one, else the CPU.

    `window` is the side of the windows in pixels; `has_map` is False for a discriminator without a score map.

    Raises UserError if there is no such model or it has no discriminator.
    """

    def __init__(
        self,
        model: str | Path | ModelFiles | Discriminator = DEFAULT_MODEL,
        *,
        extractor: nn.Module | None = None,
        revision: str | None = None,
        device: str | torch.device | None = None,
    ):
        if isinstance(model, nn.Module):
            self.name = type(model).__name__
            discriminator, extractor = deepcopy((model, extractor))
        else:
            files = model_files(model, revision=revision)
            self.name = files.name
            discriminator, extractor = _load(files)
        self.window = discriminator.config["crop"] or WINDOW
        self.has_map = discriminator.has_map
        self._discriminator = nn.Sequential(*([] if extractor is None else [extractor]), discriminator).eval()
        self._device = move(self._discriminator, device, memory_format=torch.channels_last)

    def __call__(self, image: ImageInput, progress: Progress | None = None) -> ScoreMap:
        """The score map of an image, such as the result of an upscaling, at its own size.

        Args:
            image: as in `images.inputs.decode`; gray is taken as RGB, alpha is ignored.
            progress: called with (windows done, windows in all).

        Raises UserError for what is not an image, and for a discriminator without a map.
        """
        if not self.has_map:
            raise UserError(
                f"the discriminator of '{self.name}' gives one score an image and no map; models trained with "
                f"fine-grained attention ({', '.join(row.name for row in PAPER if row.discriminator.has_map)}) "
                "have one"
            )
        values, logit = self._predict(_colors(image), progress)
        return ScoreMap(values, float(values.mean(dtype=np.float64)), logit)

    def logit(self, image: ImageInput, progress: Progress | None = None) -> float:
        """`ScoreMap.logit` alone, which every discriminator has. Arguments as in a call."""
        return self._predict(_colors(image), progress)[1]

    def _predict(self, pixels: np.ndarray, progress: Progress | None) -> tuple[np.ndarray, float]:
        """The blended map (H, W), zeros without one, and the mean logit of an image (H, W, 1 or 3)."""
        height, width = pixels.shape[:2]
        window, overlap = self.window, self.window // 2
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
            logits, maps = self._predict_windows(windows)
            for (down, across), window_logit in zip(batch, logits, strict=True):
                logit += float(window_logit * (rows_inside[down] @ weights @ columns_inside[across]))
            for place, score_map in zip(batch, maps, strict=False):  # no maps, nothing to add
                values[place] += weights * score_map
            if progress is not None:
                progress(done + len(batch), len(places))
        values = values[overlap:, overlap:][:height, :width]
        return values.clip(0, 1, out=values), logit / (height * width)

    @torch.inference_mode()
    def _predict_windows(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Windows (N, window, window, 1 or 3) -> logits (N,) and maps (N, window, window); no maps if it has none."""
        levels = np.iinfo(windows.dtype).max if windows.dtype.kind == "u" else 1
        x = torch.from_numpy(windows.astype(np.float32)).permute(0, 3, 1, 2) / levels
        x = x.expand(-1, 3, -1, -1).to(self._device, memory_format=torch.channels_last)
        image, score_map = self._discriminator(x)
        maps = np.empty(0) if score_map is None else score_map.sigmoid().mean(dim=1).cpu().numpy()
        return image[:, 0].cpu().numpy(), maps


def _blending_weights(window: int, overlap: int) -> np.ndarray:
    """(window, window): smooth, and those of all windows at a pixel sum to 1."""
    ramp = np.sin(np.pi / 2 * (np.arange(overlap) + 0.5) / overlap) ** 2  # ramp + ramp[::-1] == 1
    weights = np.concatenate((ramp, np.ones(window - 2 * overlap), ramp[::-1])).astype(np.float32)
    return np.outer(weights, weights)


def _load(files: ModelFiles) -> tuple[Discriminator, nn.Module | None]:
    """The discriminator of a published model, and the shared extractor if it works on its features."""
    discriminator = load_discriminator(files)
    if discriminator.config["in_channels"] == 3:
        return discriminator, None
    extractor = from_pretrained(files).extractor
    if extractor is None:
        raise UserError(
            f"'{files.name}': the discriminator takes features, but its generator has no extractor"
        )
    return discriminator, extractor


def _colors(image: ImageInput) -> np.ndarray:
    """(H, W, 1 or 3), uint8, uint16 or floats, without alpha."""
    pixels = decode(image).pixels
    return pixels[:, :, : 1 if pixels.shape[2] < 3 else 3]
