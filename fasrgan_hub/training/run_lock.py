"""One run in a folder at a time."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from filelock import FileLock, Timeout

from ..errors import FileAccessError
from ..images.atomic import make_folder

LOCK = ".lock"

PATIENCE = 6.0
"""Seconds to wait for the lock: the data processes of a killed run hold it until they notice, after 5 seconds."""


@contextmanager
def only_run_in(folder: Path, accelerator: Accelerator) -> Iterator[None]:
    """Make `folder` and hold its lock, which the end of the process frees, whatever ends it.

    Where nothing else was written, the lock's file is removed at the end, and `folder` unless it was there before: a
    mistyped command leaves nothing.

    Raises FileAccessError, on every process, while another run holds the lock or if the folder cannot be made.
    """
    lock = FileLock(folder / LOCK)
    problem, is_new = "", not folder.exists()
    if accelerator.is_main_process:
        try:
            make_folder(folder)
            lock.acquire(timeout=PATIENCE)
        except Timeout:
            problem = f"another run is going on in '{folder}'; wait for its end or name another --output"
        except OSError as error:
            problem = str(error)
    (problem,) = broadcast_object_list([problem])
    if problem:
        raise FileAccessError(problem)
    try:
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):  # whoever waits is there already, or the folder is gone
                _remove_if_unused(folder, is_new)
        lock.release()


def _remove_if_unused(folder: Path, is_new: bool) -> None:
    """To be called while the lock is held: who waits for a removed file notices, and makes another."""
    if os.name == "nt" or [path.name for path in folder.iterdir()] != [LOCK]:  # Windows keeps open files
        return
    (folder / LOCK).unlink()
    if is_new:
        folder.rmdir()
