"""Pairs of LR and HR crops for training (Section IV-A): random positions, flips and transposition.

Decoding a 2K picture costs far more than a training step's crops, so several crops come from each decoded
picture. A window of pictures is held decoded and visited in turn, so that one batch shows different pictures.
Every random choice depends only on (seed, epoch, picture, number of the crop): a resumed stream equals an
uninterrupted one, whatever the number of workers.
"""

import io
import warnings
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import UserError
from .bicubic import downscale

if TYPE_CHECKING:
    from datasets import IterableDataset

SCALE = 4
CONTEXT = 8
"""HR pixels around a crop that its LR pixels depend on: the reach of the x1/4 bicubic kernel."""

Pair = dict[str, Tensor]


class CropStream(torch.utils.data.IterableDataset):
    """An endless stream of {"lr": (3, crop/4, crop/4), "hr": (3, crop, crop)} in [0, 1].

    Args:
        source: rows of {"name", "bytes"} with `set_epoch` and `state_dict`, as `open_source` gives.
        crop: side of the HR crop in pixels, a multiple of 4.
        crops_per_picture: crops cut from a picture each time it is decoded.
        window: pictures held decoded at a time (about 6 MB each for 2 megapixels).
        seed: of positions and augmentation.
        detail: positions to draw for each crop, of which the one with the most contrast is taken; 1 is uniform.
    """

    def __init__(
        self,
        source: "IterableDataset",
        crop: int,
        crops_per_picture: int = 16,
        window: int = 16,
        seed: int = 0,
        detail: int = 1,
    ):
        if crop % SCALE:
            raise ValueError(f"crop is {crop}; it must be a multiple of {SCALE}")
        self.source = source
        self.crop = crop
        self.crops_per_picture = crops_per_picture
        self.window = window
        self.seed = seed
        self.detail = detail
        self._epoch = 0
        self._done = 0
        self._window_start: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands: the epoch, the source at the window's start, crops given from the window."""
        return {"epoch": self._epoch, "source": self._window_start, "done": self._done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._epoch, self._window_start, self._done = state["epoch"], state["source"], state["done"]

    def __iter__(self) -> Iterator[Pair]:
        while True:
            self.source.set_epoch(self._epoch)
            resumed = self._window_start is not None
            if resumed:
                self.source.load_state_dict(self._window_start)
            empty = True
            for pair in self._epoch_crops():
                empty = False
                yield pair
            if empty and not resumed:
                raise UserError(f"no picture could be read that is at least {self.crop} pixels high and wide")
            self._epoch, self._window_start = self._epoch + 1, None

    def _epoch_crops(self) -> Iterator[Pair]:
        rows = iter(self.source)
        while True:
            if not self._done:
                self._window_start = self.source.state_dict()
            read = list(islice(rows, self.window))
            if not read:
                return
            pictures = [decoded for row in read if (decoded := self._decode(row))]
            for index in range(self._done, len(pictures) * self.crops_per_picture):
                turn, picture = divmod(index, len(pictures))
                pair = self._cut(*pictures[picture], turn)
                self._done = index + 1
                yield pair
            self._done = 0

    def _decode(self, row: dict[str, Any]) -> tuple[str, np.ndarray] | None:
        try:
            pixels = np.asarray(Image.open(io.BytesIO(row["bytes"])).convert("RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            warnings.warn(f"skipped {row['name']}: {error}", stacklevel=2)
            return None
        if min(pixels.shape[:2]) < self.crop:
            height, width = pixels.shape[:2]
            warnings.warn(f"skipped {row['name']}: {width}x{height} is smaller than the crop", stacklevel=2)
            return None
        return row["name"], pixels

    def _cut(self, name: str, pixels: np.ndarray, turn: int) -> Pair:
        rng = np.random.default_rng([self.seed, self._epoch, zlib.crc32(name.encode()), turn])
        rows, columns = ((side - self.crop) // SCALE + 1 for side in pixels.shape[:2])
        positions = [
            (int(rng.integers(rows)) * SCALE, int(rng.integers(columns)) * SCALE) for _ in range(self.detail)
        ]
        top, left = (
            max(positions, key=lambda at: self._contrast(pixels, *at)) if self.detail > 1 else positions[0]
        )
        pair = self._pair(pixels, top, left)
        flip_rows, flip_columns, transpose = rng.random(3) < 0.5
        for key, x in pair.items():
            x = x.flip(-2) if flip_rows else x
            x = x.flip(-1) if flip_columns else x
            pair[key] = (x.transpose(-2, -1) if transpose else x).contiguous()
        return pair

    def _contrast(self, pixels: np.ndarray, top: int, left: int) -> float:
        """Mean absolute difference of neighbouring green pixels."""
        green = pixels[top : top + self.crop : 2, left : left + self.crop, 1].astype(np.int16)
        return float(np.abs(np.diff(green, axis=1)).mean())

    def _pair(self, pixels: np.ndarray, top: int, left: int) -> Pair:
        """The crop at (top, left) and its LR, which equals that crop of the whole picture's LR."""
        above, before = min(CONTEXT, top), min(CONTEXT, left)
        area = pixels[top - above : top + self.crop + CONTEXT, left - before : left + self.crop + CONTEXT]
        hr = torch.from_numpy(area.copy()).permute(2, 0, 1).float() / 255
        lr = downscale(hr, SCALE)
        side = self.crop // SCALE
        row, column = above // SCALE, before // SCALE
        return {
            "lr": lr[:, row : row + side, column : column + side],
            "hr": hr[:, above : above + self.crop, before : before + self.crop],
        }
