"""The error map: how many gray levels each pixel of a result is likely to be off, by the estimator of its model.

It is computed by torch in f32, tile by tile: the estimator takes a few per cent of the time that the enlargement took.
"""

from itertools import product
from pathlib import Path

import numpy as np
import torch

from ..devices import move
from ..errors import MissingFileError
from ..hub.model_files import DEFAULT_MODEL, DIFFICULTY, ModelFiles, model_files
from ..images.bicubic import resize
from ..images.inputs import ImageInput
from ..models.error_estimator import ErrorEstimator
from .maps import ErrorMap
from .score_map import colors
from .score_windows import as_colors
from .tiles import Progress, spans

TILE = 256
"""Side in pixels of the small image of what a tile adds to the map."""


class ErrorPredictor:
    """The error estimator that came with a model, for images of any size.

    >>> ErrorPredictor("fasrgan-lite-x4")("photo.jpg", "photo_x4.png").heat_map().save("error.png")

    Args:
        model: a bundled name, a folder or a Hub id; its `difficulty/` is loaded. Or an estimator.
        revision: branch, tag or commit of a Hub id.
        device: default CUDA if there is one, else the CPU.

    Raises UserError if there is no such model or it has no estimator.
    """

    def __init__(
        self,
        model: str | Path | ModelFiles | ErrorEstimator = DEFAULT_MODEL,
        *,
        revision: str | None = None,
        device: str | torch.device | None = None,
    ):
        if not isinstance(model, ErrorEstimator):
            model = load_estimator(model_files(model, revision=revision))
        self.network = model.eval()
        self.device = move(self.network, device)

    def __call__(self, image: ImageInput, result: ImageInput, progress: Progress | None = None) -> ErrorMap:
        """The error map of a result, at its size.

        Args:
            image: the small image, as in `images.inputs.decode`; gray is taken as RGB, alpha is ignored.
            result: what a model made of it. One that is not of the model's own factor is resized to that, and its
                map back: the estimator learned results of that factor.
            progress: called with (tiles done, tiles in all).

        Raises UserError for what is not an image.
        """
        small, enlarged = colors(image), colors(result)
        size = enlarged.shape[:2]
        native = tuple(side * self.network.scale for side in small.shape[:2])
        if size != native:
            enlarged = _resized(enlarged, native)
        values = self._predict(small, enlarged, progress or _ignore)
        return ErrorMap(values if size == native else _resized(values[..., None], size)[..., 0])

    @torch.inference_mode()
    def _predict(self, small: np.ndarray, result: np.ndarray, progress: Progress) -> np.ndarray:
        """(H, W, 1 or 3) and (sH, sW, 1 or 3) of any type -> (sH, sW) float32."""
        network, scale, step = self.network, self.network.scale, self.network.unshuffle
        damage = network.damage_of(self._tensor(small))
        values = np.empty(result.shape[:2], np.float32)
        rows, columns = (spans(side, TILE * step, network.reach, step) for side in small.shape[:2])
        for done, (row, column) in enumerate(product(rows, columns), start=1):
            small_tile = small[row.start : row.stop, column.start : column.stop]
            places = (slice(scale * each.start, scale * each.stop) for each in (row, column))
            tile = network(self._tensor(result[tuple(places)]), self._tensor(small_tile), damage)
            used = tuple(
                slice(scale * (each.first - each.start), scale * (each.last - each.start))
                for each in (row, column)
            )
            place = tuple(slice(scale * each.first, scale * each.last) for each in (row, column))
            values[place] = tile[0, 0][used].cpu().numpy()
            progress(done, len(rows) * len(columns))
        return values

    def _tensor(self, pixels: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(as_colors(pixels[None])).to(self.device)


def load_estimator(files: ModelFiles) -> ErrorEstimator:
    """The estimator of a published model. Raises UserError if it has none, and says how to make one."""
    try:
        difficulty = files.difficulty
    except MissingFileError as error:
        raise MissingFileError(
            f"'{files.name}' has no error map, as it has no folder {DIFFICULTY}/; "
            f"fasrgan train-error {files.name} --data folder:PHOTOS makes one"
        ) from error
    return ErrorEstimator.from_pretrained(difficulty)


def _resized(pixels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(H, W, C) of any type -> (rows, columns, C) float32, in [0, 1] for images."""
    levels = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    x = torch.from_numpy(pixels.astype(np.float32) / np.float32(levels)).permute(2, 0, 1)
    return resize(x, size=(size[0], size[1])).clamp(min=0).permute(1, 2, 0).numpy()


def _ignore(done: int, total: int) -> None:
    """No progress is reported."""
