"""The score map of an image: what a discriminator says of every pixel (M of Fig. 2 and Section III-B.1).

How the map of an image of any size comes about depends on the discriminator: the paper's UNet needs windows of its
training crop (`score_windows`), one with aligned upsampling takes large tiles (`score_tiles`).

Batch norm uses its running statistics. A map shows where the texture looks generated; `evaluation.trust` measures
how well it predicts the true error.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from ..devices import move
from ..errors import UserError
from ..hub.model_files import DEFAULT_MODEL, ModelFiles, model_files
from ..images.inputs import ImageInput, decode
from ..images.pixels import colors
from ..models.discriminators import Discriminator, reach_of
from ..systems import PAPER, from_pretrained, load_discriminator
from . import score_map_rendering
from .engines import make_engine
from .engines.choice import choose
from .engines.network import Network
from .score_tiles import MapAndLogit, predict_by_tiles
from .score_windows import WINDOW, predict_by_windows
from .tiles import Progress


@dataclass(frozen=True)
class ScoreMap:
    """What the discriminator says of one image.

    Args:
        values: (H, W) float32 in [0, 1]: the sigmoid of M, its mean over the three channels. Near 1 the pixel is
            taken for photographed, near 0 for generated.
        score: the mean of `values`; it does not depend on the size of the image.
        logit: the image head's C(x) of Fig. 2, the mean over the windows or tiles, weighted by the area that they
            cover. It was trained on differences (Eq. 1): compare it between versions of one image only.
    """

    values: np.ndarray
    score: float
    logit: float

    @property
    def number(self) -> float:
        """The score: what this map says of the whole image."""
        return self.score

    @property
    def summary(self) -> str:
        """The number as text."""
        return f"{self.number:.3f}"

    def heat_map(self) -> Image.Image:
        """The map in colors, dark for 0 and bright for 1; it has the size of the image."""
        return Image.fromarray(score_map_rendering.colored(self.values))

    def overlay(self, image: ImageInput) -> Image.Image:
        """The image of this map in 8-bit RGB, tinted red where it is taken for generated."""
        return score_map_rendering.overlay(colors(decode(image).pixels), self.values)

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
        engine: as for `Upscaler`, where the map is made of tiles; "auto" is torch for a discriminator. Windows are
            computed by torch in f32.
        precision: as for `Upscaler`, likewise.
        device: default CUDA if there is one, else the CPU.

    `window` is the side of the windows in pixels, None if the map is made of tiles; `has_map` is False for a
    discriminator without a score map.

    Raises UserError if there is no such model or it has no discriminator.
    """

    def __init__(
        self,
        model: str | Path | ModelFiles | Discriminator = DEFAULT_MODEL,
        *,
        extractor: nn.Module | None = None,
        revision: str | None = None,
        engine: str = "auto",
        precision: str | None = None,
        device: str | torch.device | None = None,
    ):
        key = None
        if isinstance(model, nn.Module):
            self.name = type(model).__name__
            discriminator, extractor = deepcopy((model, extractor))
        else:
            files = model_files(model, revision=revision)
            self.name = files.name
            discriminator, extractor = _load(files)
            key = _key(files.discriminator, *([] if extractor is None else [files]))
        self.has_map = discriminator.has_map
        self.window: int | None = None
        self._predict: Callable[[np.ndarray, Progress | None], tuple[np.ndarray, float]]
        if discriminator.reach is None:
            self.window = discriminator.config["crop"] or WINDOW
            module = nn.Sequential(*([] if extractor is None else [extractor]), discriminator).eval()
            where = move(module, device, memory_format=torch.channels_last)
            self._predict = partial(predict_by_windows, module, self.window, where)
        else:
            choice = choose(engine, precision, device, foreign=key is None)
            scorer = MapAndLogit(discriminator, extractor).eval()
            network = Network(lambda: deepcopy(scorer), key, key is not None, scale=1)
            reach = discriminator.reach + (0 if extractor is None else reach_of(extractor))
            self._predict = partial(predict_by_tiles, make_engine(network, choice), reach)

    def __call__(self, image: ImageInput, progress: Progress | None = None) -> ScoreMap:
        """The score map of an image, such as the result of an upscaling, at its own size.

        Args:
            image: as in `images.inputs.decode`; gray is taken as RGB, alpha is ignored.
            progress: called with (windows or tiles done, windows or tiles in all).

        Raises UserError for what is not an image, and for a discriminator without a map.
        """
        if not self.has_map:
            raise UserError(
                f"the discriminator of '{self.name}' gives one score an image and no map; models trained with "
                f"fine-grained attention ({', '.join(row.name for row in PAPER if row.discriminator.has_map)}) "
                "have one"
            )
        values, logit = self._predict(colors(decode(image).pixels), progress)
        return ScoreMap(values, float(values.mean(dtype=np.float64)), logit)

    def logit(self, image: ImageInput, progress: Progress | None = None) -> float:
        """`ScoreMap.logit` alone, which every discriminator has. Arguments as in a call."""
        return self._predict(colors(decode(image).pixels), progress)[1]


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


def _key(*files: ModelFiles) -> str:
    """A hash of the networks of a map, by which their converted copies are kept."""
    digest = sha256(MapAndLogit.__name__.encode())
    for part in files:
        digest.update(part.config_file.read_bytes() + part.weights.read_bytes())
    return digest.hexdigest()
