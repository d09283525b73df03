"""Pairs of LR and HR crops for training (Section IV-A): random positions, flips and transposition.

Decoding a 2K image costs far more than a training step's crops, so several crops come from each decoded
image. A window of images is held decoded and visited in turn, so that one batch shows different images.
Every random choice depends only on (seed, epoch, image, number of the crop): a resumed stream equals an
uninterrupted one, whatever the number of workers.
"""

import io
import warnings
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch.utils.data import get_worker_info

from ..errors import UserError
from ..hub.model_files import SCALE
from .cropping import Cropper, Pair, TrainingImage
from .degradations import PRESETS, Mixture

if TYPE_CHECKING:
    from datasets import IterableDataset

READERS = 4
"""Threads that fetch and decode images: they wait for the network more than they work."""

MARKS = 2**20
"""Places for marks of images that were skipped, by their names: workers share them, and so few rarely collide."""

Problem = tuple[str, str]
"""The name of an image and why it cannot be used."""


@dataclass
class Window:
    """Images that are visited in turn, what was wrong with the others, and the source's state after them."""

    images: list[TrainingImage]
    problems: list[Problem]
    end: dict[str, Any]


class CropStream(torch.utils.data.IterableDataset):
    """An endless stream of {"lr": (3, crop/scale, crop/scale), "hr": (3, crop, crop)} in [0, 1].

    An image that cannot be read or used is skipped with a warning, once, and counted in `skipped`. Without a single
    usable one in an epoch the stream ends with a UserError.

    Args:
        source: rows of {"name", "read"} with `set_epoch` and `state_dict`, as `open_source` gives.
        crop: side of the HR crop in pixels, a multiple of `scale`.
        crops_per_image: crops cut from an image each time it is decoded.
        window: images visited in turn. Twice as many are held decoded (about 6 MB each for 2 megapixels), as
            the next ones are read meanwhile.
        seed: of positions and augmentation.
        detail: positions to draw for each crop, of which the one with the most contrast is taken; 1 is uniform.
        degradation: how LR images are made of HR images; paired ones keep theirs.
        scale: HR pixels to one LR pixel.
    """

    def __init__(
        self,
        source: "IterableDataset",
        crop: int,
        crops_per_image: int = 16,
        window: int = 16,
        seed: int = 0,
        detail: int = 1,
        degradation: Mixture = PRESETS["clean"],
        scale: int = SCALE,
    ):
        if crop % scale:
            raise ValueError(f"crop is {crop}; it must be a multiple of {scale}")
        self.source = source
        self.cropper = Cropper(crop, scale, detail, degradation)
        self.crops_per_image = crops_per_image
        self.window = window
        self.seed = seed
        self._epoch = 0
        self._done = 0
        self._window_start: dict[str, Any] | None = None
        self.lost = torch.zeros(MARKS, dtype=torch.bool).share_memory_()

    @property
    def skipped(self) -> int:
        """Images skipped so far, each counted once, by all workers of this process (as marked in `lost`)."""
        return int(self.lost.count_nonzero())

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands: the epoch, the source at the window's start, crops given from the window."""
        return {"epoch": self._epoch, "source": self._window_start, "done": self._done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._epoch, self._window_start, self._done = state["epoch"], state["source"], state["done"]

    def __iter__(self) -> Iterator[Pair]:
        from datasets.distributed import split_dataset_by_node

        while True:
            # A copy: the epoch of a source is memory that all workers share, and they are not always in the same one.
            source = split_dataset_by_node(self.source, rank=0, world_size=1)
            source.set_epoch(self._epoch)
            whole = self._window_start is None and not self._done
            if self._window_start is not None:
                source.load_state_dict(self._window_start)
            used, name, problem = False, "", ""
            for window in _windows(source, self.window, self._decode):
                for name, problem in window.problems:
                    mark = zlib.crc32(name.encode()) % MARKS
                    if not self.lost[mark]:
                        warnings.warn(f"skipped {name}: {problem}", stacklevel=2)
                    self.lost[mark] = True
                for pair in self._crops(window.images):
                    used = True
                    yield pair
                self._window_start, self._done = window.end, 0
            if whole and not used:
                worker = get_worker_info()
                if problem:
                    raise UserError(f"no image can be used; the last one tried: {name}: {problem}")
                if worker and worker.id:
                    return
                raise UserError("there are fewer images, or files of them, than processes")
            self._epoch, self._window_start, self._done = self._epoch + 1, None, 0

    def _decode(self, row: dict[str, Any]) -> TrainingImage | Problem:
        """The image of a row, or its name and why it cannot be used."""
        name = row["name"]
        try:
            hr = decode_rgb(row["read"]())
            lr, result = (
                decode_rgb(row[key]()) if key in row else None for key in ("read_lr", "read_result")
            )
        except UserError:
            raise
        except UnidentifiedImageError:
            return name, "not an image"
        except Exception as error:  # Pillow's decoders raise nearly anything when a file is damaged
            return name, str(error) or type(error).__name__
        height, width = hr.shape[:2]
        if min(height, width) < self.cropper.crop:
            return name, f"{width}x{height} is smaller than the crop"
        scale = self.cropper.scale
        for what, other, factor in (("LR image", lr, scale), ("teacher's result", result, 1)):
            if other is None:
                continue
            rows, columns = other.shape[:2]
            if abs(height - factor * rows) >= scale or abs(width - factor * columns) >= scale:
                times = f"{factor} times" if factor > 1 else "as large as"
                return name, f"{width}x{height} is not {times} {columns}x{rows}, its {what}"
        return TrainingImage(name, hr, lr, result)

    def _crops(self, images: list[TrainingImage]) -> Iterator[Pair]:
        for index in range(self._done, len(images) * self.crops_per_image):
            turn, number = divmod(index, len(images))
            pair = self._cut(images[number], turn)
            self._done = index + 1
            yield pair

    def _cut(self, image: TrainingImage, turn: int) -> Pair:
        rng = np.random.default_rng([self.seed, self._epoch, zlib.crc32(image.name.encode()), turn])
        return self.cropper.cut(image, rng)


def _windows(
    source: "IterableDataset", size: int, decode: Callable[[dict[str, Any]], TrainingImage | Problem]
) -> Iterator[Window]:
    """What is left of an epoch, `size` rows at a time. While one window is in use, the next is read."""
    rows = iter(source)
    pool = ThreadPoolExecutor(1 + READERS)

    def read() -> Window:
        decoded = list(pool.map(decode, islice(rows, size)))
        images = [image for image in decoded if isinstance(image, TrainingImage)]
        problems = [problem for problem in decoded if isinstance(problem, tuple)]
        return Window(images, problems, source.state_dict())

    try:
        ahead = pool.submit(read)
        while (window := ahead.result()).images or window.problems:
            ahead = pool.submit(read)
            yield window
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def decode_rgb(data: bytes) -> np.ndarray:
    """(H, W, 3) uint8 of an encoded image. Raises nearly anything for a damaged one."""
    image: Image.Image = Image.open(io.BytesIO(data))
    if image.mode.startswith("I"):  # 16 bits of gray, which Pillow would clip
        image = Image.fromarray((np.asarray(image) / 257).round().clip(0, 255).astype(np.uint8))
    return np.asarray(image.convert("RGB"))
