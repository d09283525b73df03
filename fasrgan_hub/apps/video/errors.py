"""PyAV, if it is installed, and its errors as errors of this package."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...errors import FileAccessError
from ...extras import import_extra


def import_av() -> Any:
    """The module `av`. Raises MissingPackageError, which names the command that installs it."""
    os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder prints by itself; 1: errors alone
    av = import_extra("av", "a video", "video")
    av.logging.set_level(av.logging.PANIC)  # errors are raised as well
    return av


@contextmanager
def explain_av_errors(problem: str) -> Iterator[None]:
    """An error of FFmpeg inside the block becomes a FileAccessError of one line: "cannot read 'a.mp4': ..."."""
    av = import_av()
    try:
        yield
    except av.error.FFmpegError as error:
        raise FileAccessError(f"{problem}: {error.strerror}") from error
