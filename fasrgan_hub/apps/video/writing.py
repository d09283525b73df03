"""Writing a segment: some frames as a small, playable MP4 file that begins with a key frame."""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ...errors import UserError
from .errors import explain_av_errors, import_av
from .reading import Video, conversion

DEFAULT_QUALITY = 65
"""CRF 19 of x264 and x265, 23 of SVT-AV1 and VP9."""


class Codec(NamedTuple):
    """An encoder of FFmpeg.

    Args:
        worst: the largest CRF, which stands for quality 1; quality 100 is CRF 1 (0 would be lossless H.264, which few
            players show).
        odd_sides: whether 4:2:0 frames may have odd sides.
        options: others than CRF.
    """

    encoder: str
    worst: int
    odd_sides: bool
    options: dict[str, str]


CODECS = {
    "h264": Codec("libx264", 51, False, {"rc-lookahead": "20"}),  # half the frames in memory
    "hevc": Codec("libx265", 51, False, {"x265-params": "log-level=none"}),
    "av1": Codec("libsvtav1", 63, True, {"preset": "6"}),
    "vp9": Codec("libvpx-vp9", 63, True, {"cpu-used": "4", "row-mt": "1"}),
}


@dataclass(frozen=True)
class Encoding:
    """How frames are encoded.

    Args:
        codec: a name of `CODECS`.
        quality: 1 to 100.
    """

    codec: str = "h264"
    quality: int = DEFAULT_QUALITY

    def __post_init__(self) -> None:
        av = import_av()
        if self.codec not in CODECS:
            raise UserError(f"--codec is '{self.codec}'; it can be {', '.join(CODECS)}")
        if CODECS[self.codec].encoder not in av.codecs_available:
            raise UserError(f"this build of PyAV has no {CODECS[self.codec].encoder}; choose another --codec")

    @property
    def crf(self) -> int:
        return round(1 + (100 - self.quality) / 99 * (CODECS[self.codec].worst - 1))

    def pixel_format(self, size: tuple[int, int], bits: int, full_chroma: bool) -> str:
        """The name of FFmpeg's pixel format for frames of (width, height).

        4:2:0 unless the source has full chroma, or a side is odd and the codec cannot store that; 10 bits for more
        than 8. What the encoder does not have is left out: first the bits, then the chroma.
        """
        codec = CODECS[self.codec]
        available = {form.name for form in import_av().Codec(codec.encoder, "w").video_formats}
        odd = bool(size[0] % 2 or size[1] % 2) and not codec.odd_sides
        deep = "10le" if bits > 8 else ""
        if full_chroma or odd:
            wanted = [f"yuv444p{deep}", "yuv444p", f"yuv420p{deep}", "yuv420p"]
        else:
            wanted = [f"yuv420p{deep}", "yuv420p"]
        return next(name for name in wanted if name in available)


class EncodedStream:
    """The video stream of an output: takes frames as arrays, gives packets to its container.

    Args:
        size: (width, height) of the frames.
    """

    def __init__(self, container: Any, video: Video, size: tuple[int, int], encoding: Encoding):
        codec = CODECS[encoding.codec]
        self._container, self._colors = container, video.colors
        self._time_base = Fraction(1, video.time_base.denominator)
        self._ticks = video.time_base.numerator
        self._format = encoding.pixel_format(size, video.bits, video.full_chroma)
        self._stream = container.add_stream(
            codec.encoder,
            rate=video.rate.limit_denominator(60_000),
            options={"crf": str(encoding.crf), **codec.options},
            width=size[0],
            height=size[1],
            pix_fmt=self._format,
            time_base=self._time_base,
        )
        context = self._stream.codec_context
        for name, value in video.colors.items():
            if value != 0 or name == "color_range":  # 0 is RGB as a matrix, which the result is not
                setattr(context, name, value)
        if video.stream.sample_aspect_ratio:
            context.sample_aspect_ratio = video.stream.sample_aspect_ratio
        if video.matrix is not None:
            self._stream.set_display_matrix(video.matrix)

    def write(self, pixels: np.ndarray, time: int) -> None:
        """Encode one frame, (H, W, 3) of uint8 or uint16, to be shown at `time` in units of the video's time base."""
        av = import_av()
        rgb = av.VideoFrame.from_ndarray(pixels, "rgb24" if pixels.dtype == np.uint8 else "rgb48le")
        rgb.color_range = self._colors["color_range"]
        if self._colors["colorspace"] != 0:
            rgb.colorspace = self._colors["colorspace"]
        frame = rgb.reformat(format=self._format, interpolation=conversion())
        for name, value in self._colors.items():
            if value != 0:
                setattr(frame, name, value)
        frame.pts, frame.time_base = time * self._ticks, self._time_base
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Encode what the encoder still holds."""
        self._container.mux(self._stream.encode())


def write_segment(
    file: BinaryIO,
    frames: Iterable[tuple[np.ndarray, int]],
    video: Video,
    size: tuple[int, int],
    encoding: Encoding,
) -> None:
    """Encode (pixels, time) into a fragmented MP4 file, which is playable as far as it is written.

    Times begin at 0 in the file. Raises FileAccessError when it cannot be written.
    """
    av = import_av()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    with explain_av_errors("cannot encode"), av.open(file, "w", format="mp4", options=options) as container:
        stream, start = EncodedStream(container, video, size, encoding), None
        for pixels, time in frames:
            start = time if start is None else start
            stream.write(pixels, time - start)
        stream.finish()
