"""Video files for tests, made with PyAV, and what they hold."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np

TIME_BASE = Fraction(1, 15360)
COLORS = {"color_range": 2, "color_primaries": 9, "color_trc": 14, "colorspace": 9}
"""Full range and the tags of BT.2020, none of which an encoder sets by itself."""


def frame_pixels(number: int, width: int, height: int) -> np.ndarray:
    """(height, width, 3): smooth colors that differ from frame to frame."""
    y, x = np.mgrid[:height, :width]
    moving = 128 + 100 * np.sin((x + 4 * number) / 30)
    return np.stack([x * 255 // width, y * 255 // height, moving], -1).astype(np.uint8)


def make_clip(
    path: Path,
    frames: int = 75,
    size: tuple[int, int] = (320, 180),
    pixel_format: str = "yuv420p",
    rotation: int | None = 90,
    audio: bool = True,
) -> Path:
    """About 25 frames a second at uneven times, with a sine of the same length as audio."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(
            "libx264", 25, {"crf": "5", "preset": "ultrafast"}, time_base=TIME_BASE
        )
        video.width, video.height, video.pix_fmt = *size, pixel_format
        for name, value in COLORS.items():
            setattr(video.codec_context, name, value)
        if rotation is not None:
            video.set_display_rotation(rotation)
        sound: Any = container.add_stream("aac", 44100, layout="mono") if audio else None
        for number in range(frames):
            rgb: Any = av.VideoFrame.from_ndarray(frame_pixels(number, *size))
            rgb.colorspace, rgb.color_range = COLORS["colorspace"], COLORS["color_range"]
            frame = rgb.reformat(format=pixel_format)
            frame.pts, frame.time_base = 614 * number + 100 * (number % 3), TIME_BASE
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if sound is not None:
            container.mux(_sine(sound, 44100 * frames // 25))
    return path


def _sine(stream: Any, samples: int) -> list[av.Packet]:
    wave = (0.3 * np.sin(np.arange(samples) * 2 * np.pi * 440 / 44100)).astype(np.float32)
    packets = []
    for start in range(0, samples - 1023, 1024):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "fltp", "mono")
        frame.sample_rate, frame.pts = 44100, start
        packets += stream.encode(frame)
    return packets + stream.encode()


def copy_streams(
    streams: Iterable[Any],
    path: Path,
    options: dict[str, str] | None = None,
    languages: dict[str, str] | None = None,
) -> None:
    """Put streams of open files, with all their packets, into a new file.

    Args:
        languages: by the kind of a stream.
    """
    with av.open(str(path), "w", options=options or {}) as container:
        copies = {}
        for stream in streams:
            copies[stream] = container.add_stream_from_template(stream, opaque=True)
            copies[stream].metadata["language"] = (languages or {}).get(stream.type, "und")
        for stream, copy in copies.items():
            with av.open(stream.container.name) as source:
                for packet in source.demux(source.streams[stream.index]):
                    if packet.dts is not None:
                        packet.stream = copy
                        container.mux(packet)


class Contents(NamedTuple):
    """What a video file holds.

    Args:
        times: of the frames, in seconds.
        packets: of audio and subtitles: kind, time and bytes.
        tags: by the names of `COLORS`.
    """

    size: tuple[int, int]
    times: list[Fraction]
    packets: list[tuple[str, Fraction, bytes]]
    tags: dict[str, int]
    rotation: int
    pixel_format: str
    codec: str


def read_clip(path: Path) -> Contents:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        times = [frame.pts * stream.time_base for frame in frames if frame.pts is not None]
        tags = {name: getattr(frames[0], name) for name in COLORS}
        size, rotation, form = (stream.width, stream.height), frames[0].rotation, frames[0].format.name
        codec = stream.codec_context.codec.canonical_name
    with av.open(str(path)) as container:
        others = [other for other in container.streams if other.type in ("audio", "subtitle")]
        packets = [
            (packet.stream.type, packet.pts * packet.time_base, bytes(packet))
            for packet in (container.demux(others) if others else ())
            if packet.pts is not None
        ]
    return Contents(size, times, sorted(packets), tags, rotation, form.replace("yuvj", "yuv"), codec)


def decode(path: Path) -> list[np.ndarray]:
    """All frames as RGB."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
