"""A video through an Upscaler, in segments, so that a run that was stopped goes on where it stopped."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import UserError
from ...images.atomic import explain_errors, make_folder, remove_unfinished, replace_file, write_json
from ...upscaling.tiles import Progress
from ...upscaling.upscaler import Upscaler
from .joining import check_target, join
from .reading import Frame, Video, open_video
from .writing import Encoding, write_segment

SEGMENT = 48
"""Frames of a segment, about two seconds. What a stopped run loses is at most one segment."""

SETTINGS = "settings.json"


@dataclass(frozen=True)
class VideoResult:
    """What was done: the frames of the result, those that an earlier run had finished, its (width, height)."""

    frames: int
    finished_before: int
    size: tuple[int, int]
    seconds: float


def partial_folder(target: Path) -> Path:
    """Where the segments of an unfinished result are."""
    return target.with_name(target.name + ".partial")


def upscale_video(
    source: Path,
    target: Path,
    upscaler: Upscaler,
    encoding: Encoding,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> VideoResult:
    """Enlarge every frame of a video; audio, subtitles, chapters and titles are copied.

    Frames stand in the result as they are stored: frame times, rotation, aspect ratio and color tags are the source's.
    Memory holds a few frames. `TARGET.partial/` holds what is finished, in segments that can be played; it goes when
    the target is complete.

    Args:
        settings: everything else that determines the result, such as the model's name.
        progress: called with (frames done, frames in all).

    Raises UserError if the source is damaged or no video, the target cannot hold its streams, or the folder holds
    segments of another source or other settings.
    """
    started = time.monotonic()
    with open_video(source) as video:
        size = upscaler.enlarged(video.size)
        check_target(target, video, size, encoding)
        folder = partial_folder(target)
        _prepare(folder, _identity(video, encoding, settings or {}))
        try:
            made = dict(_write_segments(video, folder, upscaler, encoding, progress))
        except UserError:
            if not any(folder.glob("*.mp4")):
                shutil.rmtree(folder, ignore_errors=True)
            raise
        joined = folder / f"joined{target.suffix}"
        join(list(made), video, joined)
    with explain_errors(f"cannot write '{target}'"):
        joined.replace(target)
        shutil.rmtree(folder)
    frames = len(video.times)
    finished_before = min(frames, SEGMENT * sum(not is_new for is_new in made.values()))
    return VideoResult(frames, finished_before, size, time.monotonic() - started)


def _write_segments(
    video: Video, folder: Path, upscaler: Upscaler, encoding: Encoding, progress: Progress | None
) -> Iterator[tuple[Path, bool]]:
    """Each segment, and whether it has been made now."""
    size, frames, number = upscaler.enlarged(video.size), video.frames(), 0

    def enlarge(group: Iterator[Frame]) -> Iterator[tuple[np.ndarray, int]]:
        for frame in group:
            yield upscaler(frame.pixels(video.size, video.bits)), frame.time
            report()

    def report() -> None:
        if progress is not None:
            progress(len(video.times), max(video.expected_frames(), len(video.times)))

    while first := next(frames, None):
        path = folder / f"{number:06}.mp4"
        group = _chain(first, islice(frames, SEGMENT - 1))
        is_new = not path.exists()
        if is_new:
            with replace_file(path) as file:
                write_segment(file, enlarge(group), video, size, encoding)
        else:
            for _ in group:
                report()
        yield path, is_new
        number += 1


def _chain(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest


def _identity(video: Video, encoding: Encoding, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be the same for a run to go on with the segments of another."""
    state = video.path.stat()
    source = {"name": video.path.name, "bytes": state.st_size, "modified": state.st_mtime_ns}
    return {
        "source": source,
        "codec": encoding.codec,
        "quality": encoding.quality,
        "segment": SEGMENT,
        **settings,
    }


def _prepare(folder: Path, identity: dict[str, Any]) -> None:
    """Make the folder, or see that it holds segments of the same source and settings."""
    make_folder(folder)
    if not os.access(folder, os.W_OK):
        raise UserError(f"cannot write into the folder '{folder}'")
    remove_unfinished(folder)
    settings = folder / SETTINGS
    if not settings.exists():  # new, or a run was stopped while it removed the folder
        for path in folder.glob("*.mp4"):
            path.unlink()
        write_json(settings, identity)
        return
    try:
        same = json.loads(settings.read_text(encoding="utf-8")) == json.loads(json.dumps(identity))
    except ValueError:
        same = False
    if not same:
        raise UserError(
            f"'{folder}' holds frames of another source or other options; repeat that command, or remove the folder"
        )
