"""What a discriminator says about an image, pixel by pixel (the score map M of Fig. 2 and Section III-B.1).

A UNet that upsamples with align_corners=True answers differently for windows of different size, and it was
trained on crops of one size. So the map of an image is *defined* by windows of that size: they stand on a fixed
grid that starts outside the image, which is mirrored at its edges, they overlap by half, and what they say
is blended with weights that fall off smoothly and sum to 1. The definition is the same for every size, from one
pixel on, there are no seams, and memory does not grow with the image but for the map itself.

Batch norm uses its running statistics. A map is about where the texture looks generated; how well it predicts
the true error is measured by `evaluation.trust`.
"""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from ..errors import UserError
from ..hub.model_files import DEFAULT_MODEL, read_config
from ..images.decoded import DecodedImage
from ..images.reading import from_image, read_image
from ..models.discriminators import UNetDiscriminator, VGGDiscriminator
from ..systems import PAPER, from_pretrained
from . import score_map_rendering
from .tiles import Progress
from .upscaler import check_array

WINDOW = 96
"""The side in pixels of a window for discriminators that take any size: the crop of the lite recipes."""
BATCH = 8

Discriminator = UNetDiscriminator | VGGDiscriminator
Judgeable = str | Path | DecodedImage | np.ndarray | Image.Image


@dataclass(frozen=True)
class ScoreMap:
    """The judgement of one image.

    Args:
        values: (H, W) float32 in [0, 1]: the sigmoid of M, its mean over the three channels. Near 1 the pixel is
            taken for photographed, near 0 for generated.
        score: the mean of `values`, so it depends neither on the size of the image nor on tiles.
        logit: the image head's C(x) of Fig. 2, averaged over the windows by what they cover. It was trained on
            differences (Eq. 1): compare it between versions of one image only.
    """

    values: np.ndarray
    score: float
    logit: float

    def heat_map(self) -> Image.Image:
        """The map in colors, dark for 0 and bright for 1; the image's size."""
        return Image.fromarray(score_map_rendering.colored(self.values))

    def overlay(self, image: Judgeable) -> Image.Image:
        """The judged image in 8-bit RGB, tinted red where it is taken for generated."""
        pixels = _pixels(image)
        if pixels.shape[:2] != self.values.shape:
            raise UserError("the score map belongs to an image of another size")
        return Image.fromarray(score_map_rendering.tinted(_rgb8(pixels), self.values))

    def legend(self, width: int = 480) -> Image.Image:
        """The color bars of heat map and overlay, `width` pixels wide."""
        return score_map_rendering.legend(width)

    def sheet(self, image: Judgeable) -> Image.Image:
        """Overlay, heat map and legend on one page."""
        return score_map_rendering.sheet(self.overlay(image), self.heat_map())


class ScoreMapPredictor:
    """The discriminator that came with a model, for images of any size.

    >>> ScoreMapPredictor("fasrgan-lite-x4")("photo_x4.png").heat_map().save("scores.png")

    Args:
        model: a bundled name, a folder or a Hub id; its `discriminator/` is loaded, and its generator's shared
            extractor where the discriminator works on that. Or a discriminator, which is copied.
        extractor: what a discriminator given as a module looks through, also copied.
        revision: branch, tag or commit of a Hub id.
        device: default CUDA if there is one, else the CPU.

    `window` is the side in pixels of the windows that are judged. Raises UserError if there is no such model or it
    came without a discriminator.
    """

    def __init__(
        self,
        model: str | Path | Discriminator = DEFAULT_MODEL,
        *,
        extractor: nn.Module | None = None,
        revision: str | None = None,
        device: str | torch.device | None = None,
    ):
        if isinstance(model, nn.Module):
            self.name = type(model).__name__
            discriminator, extractor = deepcopy((model, extractor))
        else:
            self.name = str(model)
            discriminator, extractor = _load(model, revision)
        self.window = discriminator.config["crop"] or WINDOW
        self.has_map = discriminator.has_map
        self._discriminator = nn.Sequential(*([] if extractor is None else [extractor]), discriminator).eval()
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self._discriminator.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, image: Judgeable, progress: Progress | None = None) -> ScoreMap:
        """ScoreMapPredictor an image as it is, such as the result of an upscaling.

        Args:
            image: a path, a Pillow image, a `DecodedImage`, or an array (H, W) or (H, W, C) as for the Upscaler; gray
                is judged as RGB, alpha is left out.
            progress: called with (windows done, windows in all).

        Raises UserError for what is no image, and for discriminators without a map.
        """
        if not self.has_map:
            raise UserError(
                f"the discriminator of '{self.name}' gives one score an image and no map; models trained with "
                f"fine-grained attention ({', '.join(row.name for row in PAPER if row.discriminator.has_map)}) "
                "have one"
            )
        values, logit = self._judge(_pixels(image), progress)
        return ScoreMap(values, float(values.mean(dtype=np.float64)), logit)

    def logit(self, image: Judgeable, progress: Progress | None = None) -> float:
        """`ScoreMap.logit` alone, which every discriminator has. Arguments as in a call."""
        return self._judge(_pixels(image), progress)[1]

    def _judge(self, pixels: np.ndarray, progress: Progress | None) -> tuple[np.ndarray, float]:
        height, width = pixels.shape[:2]
        rows, columns = _axis(height, self.window), _axis(width, self.window)
        step = rows.step
        values = np.zeros((height, width), np.float32)
        # What the windows of this row and the one before add up to, with the margin that lies outside the image.
        band = np.zeros((self.window, columns.starts[-1] - columns.starts[0] + self.window), np.float32)
        logit, done, total = 0.0, 0, len(rows.starts) * len(columns.starts)
        for row, top in enumerate(rows.starts):
            for first in range(0, len(columns.starts), BATCH):
                lefts = columns.starts[first : first + BATCH]
                image, score_map = self._ask(pixels, rows.seen(top), [columns.seen(left) for left in lefts])
                for index, left in enumerate(lefts):
                    covered = rows.inside[row] * columns.inside[first + index]
                    logit += float(image[index]) * covered / (height * width)
                    if score_map is not None:
                        at = left - columns.starts[0]
                        band[:, at : at + self.window] += (
                            rows.weights[:, None] * columns.weights * score_map[index]
                        )
                done += len(lefts)
                if progress is not None:
                    progress(done, total)
            begin, end = max(top, 0), min(top + step, height)
            margin = -columns.starts[0]
            values[begin:end] = band[begin - top : max(end - top, 0), margin : margin + width]
            band[:-step] = band[step:]
            band[-step:] = 0
        return values.clip(0, 1, out=values), logit

    @torch.inference_mode()
    def _ask(
        self, pixels: np.ndarray, rows: np.ndarray, columns: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The windows' logits (N,) and maps (N, window, window), None without a map."""
        windows = np.stack([pixels[rows[:, None], seen] for seen in columns])
        levels = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
        x = torch.from_numpy(windows.astype(np.float32)).permute(0, 3, 1, 2) / levels
        x = x.expand(-1, 3, -1, -1).to(self._device, memory_format=torch.channels_last)
        image, score_map = self._discriminator(x)
        maps = None if score_map is None else score_map.sigmoid().mean(dim=1).cpu().numpy()
        return image[:, 0].cpu().numpy(), maps


@dataclass(frozen=True)
class _Axis:
    """One side of the image: where windows start, which pixels they see (mirrored beyond the edges), how their
    answers are weighted, and how much of each window's weight lies inside the image."""

    starts: list[int]
    step: int
    mirrored: np.ndarray
    weights: np.ndarray
    inside: list[float]

    def seen(self, start: int) -> np.ndarray:
        first = start - self.starts[0]
        return self.mirrored[first : first + len(self.weights)]


def _axis(length: int, window: int) -> _Axis:
    overlap = window // 2
    step = window - overlap
    ramp = np.sin(np.pi / 2 * (np.arange(overlap) + 0.5) / overlap) ** 2  # ramp + ramp[::-1] == 1
    weights = np.concatenate((ramp, np.ones(window - 2 * overlap), ramp[::-1])).astype(np.float32)
    starts = list(range(-overlap, length, step))
    mirrored = np.pad(np.arange(length), (overlap, window), mode="reflect")
    inside = [float(weights[max(0, -start) : length - start].sum()) for start in starts]
    return _Axis(starts, step, mirrored, weights, inside)


def _load(model: str | Path, revision: str | None) -> tuple[Discriminator, nn.Module | None]:
    """The discriminator of a published model, and the extractor that it looks through if there is one."""
    place: dict[str, Any] = {"subfolder": "discriminator", "revision": revision}
    saved = read_config(model, **place)["_model_class"]
    classes = {cls.__name__: cls for cls in (UNetDiscriminator, VGGDiscriminator)}
    if saved not in classes:
        raise UserError(
            f"'{model}' holds {saved} as its discriminator, which is none of {', '.join(classes)}"
        )
    discriminator = classes[saved].from_pretrained(model, **place)
    if discriminator.config["in_channels"] == 3:
        return discriminator, None
    extractor = from_pretrained(model, revision=revision).extractor
    if extractor is None:
        raise UserError(f"'{model}': the discriminator takes features, but its generator has no extractor")
    return discriminator, extractor


def _pixels(image: Judgeable) -> np.ndarray:
    """(H, W, 1 or 3), uint8, uint16 or floats."""
    if isinstance(image, str | Path):
        image = read_image(image)
    if isinstance(image, Image.Image):
        image = from_image(image)
    pixels = image.pixels if isinstance(image, DecodedImage) else image
    check_array(pixels)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    return pixels[:, :, : 1 if pixels.shape[2] < 3 else 3]


def _rgb8(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257)
    elif pixels.dtype != np.uint8:
        pixels = np.rint(np.clip(pixels, 0, 1) * 255)
    return np.broadcast_to(pixels.astype(np.uint8), (*pixels.shape[:2], 3))
