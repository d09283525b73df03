"""Reading a video: its frames one by one, and what the result has to repeat."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import FileAccessError, MissingFileError, UserError
from .errors import explain_av_errors, import_av

ENDINGS = frozenset(
    {".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts"}
    | {".webm", ".wmv"}
)
"""Endings of video files."""


def is_video(name: str | Path) -> bool:
    """Whether a file's name is a video's."""
    return Path(name).suffix.lower() in ENDINGS


@dataclass(frozen=True)
class Frame:
    """One frame: `decoded` is PyAV's, not yet converted to RGB."""

    decoded: Any
    time: int

    def pixels(self, size: tuple[int, int], bits: int) -> np.ndarray:
        """(H, W, 3), uint8 or uint16 for `bits` of 8 or 16, by the color matrix and range that the frame names."""
        name = "rgb24" if bits == 8 else "rgb48le"
        rgb = self.decoded.reformat(*size, format=name, interpolation=conversion())
        pixels: np.ndarray = rgb.to_ndarray()
        return pixels


def conversion() -> int:
    """How swscale converts between RGB and YUV: rounded, with chroma interpolated at full resolution."""
    from av.video.reformatter import Interpolation

    names = ("BICUBIC", "ACCURATE_RND", "FULL_CHR_H_INT", "FULL_CHR_H_INP")
    return sum(int(Interpolation[name]) for name in names)


@dataclass
class Video:
    """An open video.

    Args:
        container, stream: PyAV's; `stream` is the one that is enlarged.
        matrix: the display matrix (rotation and reflection), nine fixed-point numbers; None without one.
        colors: color_range, color_primaries, color_trc and colorspace as FFmpeg numbers them.
        times: when each frame that has been read is shown, in units of `time_base`, increasing.
        end: when the last of them ends.
    """

    path: Path
    container: Any
    stream: Any
    matrix: tuple[int, ...] | None = None
    colors: dict[str, int] = field(default_factory=dict)
    times: list[int] = field(default_factory=list)
    end: int = 0

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the stored frames, before rotation."""
        return self.stream.width, self.stream.height

    @property
    def bits(self) -> int:
        """8, or 16 for any larger number of bits a component."""
        deepest = max(component.bits for component in self.stream.format.components)
        return 8 if deepest <= 8 else 16

    @property
    def full_chroma(self) -> bool:
        """Whether chroma has the resolution of luma (4:4:4 or RGB)."""
        form = self.stream.format
        return form.is_rgb or (
            len(form.components) >= 3 and form.chroma_width(64) == 64 == form.chroma_height(64)
        )

    @property
    def time_base(self) -> Fraction:
        return Fraction(self.stream.time_base)

    @property
    def rate(self) -> Fraction:
        """Frames a second, on average."""
        return Fraction(self.stream.average_rate or self.stream.guessed_rate or 25)

    def expected_frames(self) -> int:
        """The number of frames that the file declares, or an estimate; 0 if nothing is known."""
        if self.stream.frames:
            return int(self.stream.frames)
        if self.stream.duration:
            return round(self.stream.duration * self.time_base * self.rate)
        return round((self.container.duration or 0) / 1_000_000 * self.rate)

    def frames(self) -> Iterator[Frame]:
        """All frames in the order in which they are shown. Raises FileAccessError where the file is damaged."""
        step = max(1, round(1 / (self.rate * self.time_base)))
        for decoded in self._decode():
            time = self.end if decoded.pts is None else decoded.pts
            if self.times and time <= self.times[-1]:  # two frames cannot be shown at one time
                time = self.times[-1] + 1
            self.times.append(time)
            self.end = time + (decoded.duration or step)
            yield Frame(decoded, time)

    def _decode(self) -> Iterator[Any]:
        with explain_av_errors(f"cannot read '{self.path}'"):
            for packet in self.container.demux(self.stream):
                if packet.is_corrupt:  # also the last one of a file that was cut off
                    raise FileAccessError(f"'{self.path}' is damaged, or its end is missing")
                yield from packet.decode()


@contextmanager
def open_video(path: Path) -> Iterator[Video]:
    """A video file for the time of a block. Raises UserError if it is none, or damaged."""
    av = import_av()
    if not path.is_file():
        raise MissingFileError(f"there is no file '{path}'")
    with explain_av_errors(f"cannot read '{path}'"):
        container = av.open(str(path), metadata_errors="replace")
    with container:
        streams = [
            s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic
        ]
        if not streams or not streams[0].format:
            raise UserError(f"there is no video in '{path}'")
        streams[0].thread_type = "AUTO"
        video = Video(path, container, streams[0])
        _read_first_frame(video)
        yield video


def _read_first_frame(video: Video) -> None:
    """The display matrix and the colors, which PyAV shows with a frame; the file is then at its start again."""
    with explain_av_errors(f"cannot read '{video.path}'"):
        first = next(video.container.decode(video.stream), None)
        if first is None:
            raise UserError(f"there are no frames in '{video.path}'")
        for side in first.side_data:
            if side.type.name == "DISPLAYMATRIX":
                video.matrix = tuple(int(number) for number in np.frombuffer(bytes(side), np.int32))
        names = ("color_range", "color_primaries", "color_trc", "colorspace")
        video.colors = {name: int(getattr(first, name)) for name in names}
        video.container.seek(0)
