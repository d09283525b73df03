"""Files of the formats that Pillow writes: it needs whole images."""

from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from .png import Timing


class PillowWriter:
    """Collects the frames, which Pillow then writes as a whole.

    Args:
        form: Pillow's name of the format.
        mode: Pillow's name of the kind of pixels.
        options: of `Image.save`.
        timing: None for a still image.
    """

    def __init__(
        self,
        file: BinaryIO,
        form: str,
        mode: str,
        size: tuple[int, int],
        options: dict[str, Any],
        timing: Timing | None,
    ):
        self.file, self.form, self.mode, self.size = file, form, mode, size
        self.options, self.timing = options, timing
        self.frames: list[Image.Image] = []
        self.rows_done = 0

    def write(self, band: np.ndarray) -> None:
        if self.rows_done == 0:
            self.frames.append(Image.new(self.mode, self.size))
        rows = Image.fromarray(band[:, :, 0] if band.shape[2] == 1 else band)
        self.frames[-1].paste(rows, (0, self.rows_done))
        self.rows_done = (self.rows_done + len(band)) % self.size[1]

    def close(self) -> None:
        if self.form == "GIF":
            self.frames = [_with_hard_edges(frame) for frame in self.frames]
        first, *others = self.frames
        if self.timing:
            self.options |= {"save_all": True, "append_images": others, **self._animation(self.timing)}
        first.save(self.file, self.form, **self.options)

    def _animation(self, timing: Timing) -> dict[str, Any]:
        """Pillow's options for the timing."""
        options: dict[str, Any] = {"duration": [round(duration) for duration in timing.durations]}
        if self.form != "GIF":
            return options | {"loop": timing.plays}
        options |= {"disposal": 2 if self.frames[0].mode == "RGBA" else 1, "optimize": False}
        # A GIF counts repetitions: without that entry it plays once.
        return options if timing.plays == 1 else options | {"loop": max(0, timing.plays - 1)}


def _with_hard_edges(image: Image.Image) -> Image.Image:
    """The image as GIF can hold it: alpha is 0 or 255."""
    if not image.mode.endswith("A"):
        return image
    image = image.convert("RGBA")
    image.info = {}
    image.putalpha(image.getchannel("A").point(lambda alpha: 255 * (alpha > 127)))
    return image
