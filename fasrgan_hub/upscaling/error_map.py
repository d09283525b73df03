"""The error map: how many gray levels each pixel of a result is likely to be off, by the estimator of its model.

It is computed by torch in f32, tile by tile. An estimator that has a reference also asks what that model makes of the
image, if the image is clean: see `models.error_estimator`. The blocks of a JPEG are looked for in the whole image.
"""

from collections.abc import Callable
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
import torch

from ..devices import move
from ..errors import MissingFileError, UserError
from ..hub.model_files import DEFAULT_MODEL, DIFFICULTY, ModelFiles, bundled_models, model_files
from ..images.bicubic import resize
from ..images.inputs import ImageInput, decode
from ..images.inspection import blockiness
from ..images.pixels import as_input, colors, white
from ..models.error_estimator import CLEAN, ErrorEstimator
from .maps import ErrorMap
from .model_choice import BLOCKINESS
from .tiles import Progress, spans

TILE = 256
"""Side in pixels of the small image of what a tile adds to the map."""


Enlarge = Callable[[np.ndarray, Progress | None], np.ndarray]


class ErrorPredictor:
    """The error estimator that came with a model, for images of any size.

    >>> upscaler = Upscaler("fasrgan-lite-x4")  # its `maps` do the same
    >>> predict = ErrorPredictor("fasrgan-lite-x4", open_reference=Upscaler)
    >>> predict("photo.jpg", upscaler("photo.jpg")).heat_map().save("error.png")

    Args:
        model: a bundled name, a folder or a Hub id; its `difficulty/` is loaded. Or an estimator.
        revision: branch, tag or commit of a Hub id.
        device: default CUDA if there is one, else the CPU.
        open_reference: gives what enlarges as the model of that name does, the first time that the estimator's
            reference is of use; without it the map is made without the reference, and is less exact.

    Raises UserError if there is no such model or it has no estimator.
    """

    def __init__(
        self,
        model: str | Path | ModelFiles | ErrorEstimator = DEFAULT_MODEL,
        *,
        revision: str | None = None,
        device: str | torch.device | None = None,
        open_reference: Callable[[str], Enlarge] | None = None,
    ):
        if not isinstance(model, ErrorEstimator):
            model = load_estimator(model_files(model, revision=revision))
        self.network = model.eval()
        self.device = move(self.network, device)
        self.open_reference = open_reference

    def __call__(self, image: ImageInput, result: ImageInput, progress: Progress | None = None) -> ErrorMap:
        """The error map of a result, at its size.

        Args:
            image: the small image, as in `images.inputs.decode`; gray is taken as RGB, alpha is ignored.
            result: what a model made of it. One that is not of the model's own factor is resized to that, and its
                map back: the estimator learned results of that factor.
            progress: called with (tiles done, tiles in all), by the reference and then again by the estimator.

        Raises UserError for what is not an image, and if the reference cannot be loaded.
        """
        small, enlarged = (colors(decode(each).pixels) for each in (image, result))
        size = enlarged.shape[:2]
        native = tuple(side * self.network.scale for side in small.shape[:2])
        if size != native:
            enlarged = _resized(enlarged, native)
        with torch.inference_mode():
            damage = self.network.damage_of(self._tensor(small))
            other = self._enlarge(small, progress) if self._is_reference_of_use(small, damage) else None
            values = self._predict(small, enlarged, damage, other, progress or _ignore)
        return ErrorMap(values if size == native else _resized(values[..., None], size)[..., 0])

    def _is_reference_of_use(self, small: np.ndarray, damage: torch.Tensor) -> bool:
        """Whether there is a reference, and the image is clean: noise and blocks make every two results differ."""
        if not self.network.reference or self.open_reference is None or damage > CLEAN:
            return False
        gray = 255 * self._tensor(small)[0].mean(dim=0)
        return blockiness(gray.cpu().numpy()) <= BLOCKINESS

    @cached_property
    def _enlarge(self) -> Enlarge:
        assert self.open_reference is not None
        return self.open_reference(self.network.reference)

    def _predict(
        self,
        small: np.ndarray,
        result: np.ndarray,
        damage: torch.Tensor,
        other: np.ndarray | None,
        progress: Progress,
    ) -> np.ndarray:
        """(H, W, 1 or 3) and (sH, sW, 1 or 3) of any type -> (sH, sW) float32."""
        network, scale, step = self.network, self.network.scale, self.network.unshuffle
        values = np.empty(result.shape[:2], np.float32)
        rows, columns = (spans(side, TILE * step, network.reach, step) for side in small.shape[:2])
        for done, (row, column) in enumerate(product(rows, columns), start=1):
            here = (slice(row.start, row.stop), slice(column.start, column.stop))
            there = tuple(slice(scale * each.start, scale * each.stop) for each in here)
            compared = None if other is None else self._tensor(other[there])
            tile = network(self._tensor(result[there]), self._tensor(small[here]), damage, compared)
            used = tuple(
                slice(scale * (each.first - each.start), scale * (each.last - each.start))
                for each in (row, column)
            )
            place = tuple(slice(scale * each.first, scale * each.last) for each in (row, column))
            values[place] = tile[0, 0][used].cpu().numpy()
            progress(done, len(rows) * len(columns))
        return values

    def _tensor(self, pixels: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(as_input(pixels[None])).to(self.device)


def reference_files(name: str, scale: int) -> ModelFiles:
    """The model of which an estimator of that scale says that it is its reference.

    Raises UserError for a folder, which others do not have, and for a model of another scale.
    """
    if name not in bundled_models() and Path(name).is_dir():
        raise UserError(
            f"the reference '{name}' is a folder of this machine; name a bundled model or a Hub id"
        )
    files = model_files(name)
    check_reference(files, scale)
    return files


def check_reference(files: ModelFiles, scale: int) -> None:
    """Raise UserError unless a reference enlarges by `scale`, as the model does whose results it is compared with."""
    if files.scale != scale:
        raise UserError(f"the reference '{files.name}' enlarges by {files.scale}, the model by {scale}")


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
    x = torch.from_numpy(pixels.astype(np.float32) / np.float32(white(pixels))).permute(2, 0, 1)
    return resize(x, size=(size[0], size[1])).clamp(min=0).permute(1, 2, 0).numpy()


def _ignore(done: int, total: int) -> None:
    """No progress is reported."""
