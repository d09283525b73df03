"""Joining: finished segments and the other streams of the source become one file. Nothing is encoded again."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from heapq import merge
from io import BytesIO
from pathlib import Path
from typing import Any

from ...errors import UserError
from .errors import explain_av_errors, import_av
from .reading import Video
from .writing import EncodedStream, Encoding

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""FFmpeg's format for each ending of a result. The others lose frame times, or rotation and colors."""

KEPT_METADATA = ("language", "title", "handler_name")
"""Of a stream. The rest describes the old encoding."""

DROPPED_METADATA = ("major_brand", "minor_version", "compatible_brands", "encoder")
"""Of a file: what its writer said about itself."""


def check_target(target: Path, video: Video, size: tuple[int, int], encoding: Encoding) -> None:
    """Raise UserError if the format of `target` cannot hold the codec or the streams that are copied.

    This writes a header that goes nowhere, so that it is known before the work.
    """
    av = import_av()
    if target.suffix.lower() not in FORMATS:
        raise UserError(f"'{target}' is not the name of a video to write ({', '.join(FORMATS)})")
    copied = _streams_to_copy(video.container)
    try:
        with av.open(BytesIO(), "w", format=FORMATS[target.suffix.lower()]) as container:
            EncodedStream(container, video, size, encoding)
            _copy_streams(container, copied)
            container.start_encoding()
    except (av.error.FFmpegError, ValueError) as error:
        kinds = ", ".join([encoding.codec, *map(_codec_name, copied)])
        raise UserError(
            f"'{target}' cannot hold these streams: {kinds}; choose another --codec, or a name that ends in .mkv"
        ) from error


def join(segments: Sequence[Path], video: Video, target: Path) -> None:
    """Write the frames of all segments, and the other streams of the source, into `target`.

    Frame k is shown at `video.times[k]`; all times are moved so that the file begins at 0 if the source begins later.
    Raises FileAccessError when the target cannot be written.
    """
    av = import_av()
    with ExitStack() as stack:
        stack.enter_context(explain_av_errors(f"cannot write '{target}'"))
        source = stack.enter_context(av.open(str(video.path), metadata_errors="replace"))
        first = stack.enter_context(av.open(str(segments[0])))
        output = stack.enter_context(_open_target(av, target, video))
        shift = Fraction(max(0, source.start_time or 0), 1_000_000)
        stream = _add_video(output, first.streams.video[0], video)
        copied = _copy_streams(output, _streams_to_copy(source))
        _copy_metadata(output, source)
        packets = [_video_packets(segments, video, stream, shift)]
        if copied:
            packets.append(_copied_packets(source, copied, shift))
        for packet in merge(*packets, key=lambda packet: packet.dts * packet.time_base):
            output.mux(packet)


def _open_target(av: Any, target: Path, video: Video) -> Any:
    name = FORMATS[target.suffix.lower()]
    options = {"movflags": "+faststart", "movie_timescale": str(video.time_base.denominator)}
    return av.open(str(target), "w", format=name, options=options if name in ("mp4", "mov") else {})


def _add_video(output: Any, template: Any, video: Video) -> Any:
    stream = output.add_stream_from_template(template, opaque=True)
    stream.time_base = Fraction(1, video.time_base.denominator)
    if video.stream.sample_aspect_ratio:  # decoders of AV1 and VP9 do not hand it on
        stream.codec_context.sample_aspect_ratio = video.stream.sample_aspect_ratio
    stream.codec_context.framerate = video.rate.limit_denominator(60_000)
    _describe_stream(stream, video.stream)
    return stream


def _streams_to_copy(source: Any) -> list[Any]:
    return [stream for stream in source.streams if stream.type in ("audio", "subtitle")]


def _copy_streams(output: Any, streams: Sequence[Any]) -> dict[int, Any]:
    """Add a stream like each of these to an output; by the index of the original."""
    copied = {}
    for stream in streams:
        copied[stream.index] = output.add_stream_from_template(stream, opaque=True)
        _describe_stream(copied[stream.index], stream)
    return copied


def _describe_stream(stream: Any, original: Any) -> None:
    stream.disposition = original.disposition
    stream.metadata.update({k: v for k, v in original.metadata.items() if k in KEPT_METADATA})


def _copy_metadata(output: Any, source: Any) -> None:
    output.metadata.update({k: v for k, v in source.metadata.items() if k not in DROPPED_METADATA})
    if chapters := source.chapters():
        output.set_chapters(chapters)


def _codec_name(stream: Any) -> str:
    return stream.codec_context.name if stream.codec_context else f"unknown {stream.type}"


def _video_packets(segments: Sequence[Path], video: Video, stream: Any, shift: Fraction) -> Iterator[Any]:
    """The packets of all segments in decoding order, with the times of the source."""
    units = video.time_base.numerator
    offset = round(shift * video.time_base.denominator)
    times = [time * units - offset for time in [*video.times, video.end]]
    delay = max(max(i - rank for i, rank in enumerate(_ranks(_read(path)))) for path in segments)
    step = times[1] - times[0]
    decoding = [times[0] - step * (delay - i) for i in range(delay)] + times
    number = 0
    for path in segments:
        packets = _read(path)
        for i, rank in enumerate(_ranks(packets)):
            packet, shown = packets[i], number + rank
            packet.time_base = Fraction(1, video.time_base.denominator)
            packet.pts, packet.dts = times[shown], decoding[number + i]
            packet.duration = times[shown + 1] - times[shown]
            packet.stream = stream
            yield packet
        number += len(packets)


def _read(segment: Path) -> list[Any]:
    with import_av().open(str(segment)) as container:
        return [packet for packet in container.demux(video=0) if packet.dts is not None]


def _ranks(packets: Sequence[Any]) -> list[int]:
    """For each packet in decoding order, how many frames of its segment are shown before it."""
    order = sorted(range(len(packets)), key=lambda i: packets[i].pts)
    ranks = [0] * len(packets)
    for rank, i in enumerate(order):
        ranks[i] = rank
    return ranks


def _copied_packets(source: Any, copied: dict[int, Any], shift: Fraction) -> Iterator[Any]:
    """The packets of other streams, as they are."""
    for packet in source.demux([source.streams[index] for index in copied]):
        if packet.dts is None:  # the mark of the end
            continue
        offset = round(shift / packet.time_base)
        packet.dts -= offset
        if packet.pts is not None:
            packet.pts -= offset
        packet.stream = copied[packet.stream_index]
        yield packet
