"""Files and folders that are complete or absent: they are written under a hidden name, then renamed."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from ..errors import FileAccessError, UserError

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.partial")


@contextmanager
def replace_file(path: str | Path) -> Iterator[BinaryIO]:
    """A file to write into, which becomes `path` when the block ends without an error.

    Until then it has a hidden name in the same folder, so a killed run leaves the old `path` as it was.
    Raises FileAccessError when it cannot be written.
    """
    path = Path(path)
    partial = _hidden_name(path.parent)
    try:
        with explain_errors(f"cannot write '{path}'"):
            with partial.open("xb") as file:
                _lock(file.fileno())
                yield file
            partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink()


def write_json(path: str | Path, content: Any) -> None:
    """Write a JSON file, complete or not at all. Raises FileAccessError when it cannot be written."""
    with replace_file(path) as file:
        file.write((json.dumps(content, indent=2) + "\n").encode())


@contextmanager
def replace_files(folder: Path) -> Iterator[Path]:
    """An empty folder; when the block ends without an error, its files move to `folder` in the order of their names.

    Each file replaces the one of its name; the others stay. Raises FileAccessError when that is not possible.
    """
    with explain_errors(f"cannot write '{folder}'"), _hidden_folder(folder) as partial:
        yield partial
        for file in sorted(partial.iterdir()):
            file.replace(folder / file.name)


@contextmanager
def create_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes `path` when the block ends without an error.

    If another process has created `path` meanwhile, that one stays. Raises FileAccessError when it cannot be created.
    """
    with explain_errors(f"cannot write '{path}'"), _hidden_folder(path.parent) as partial:
        yield partial
        try:
            partial.rename(path)
        except OSError:
            if not path.is_dir():
                raise


def remove_unfinished(folder: Path) -> None:
    """Remove what killed runs left in a folder. What a running process writes is locked, and stays."""
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if UNFINISHED.fullmatch(path.name)]:
            with suppress(OSError):
                if not path.is_dir():
                    with path.open("r+b") as file:  # network file systems lock for writers alone
                        free = _lock(file.fileno())
                    if free:
                        path.unlink()
                else:
                    with _locked_folder(path) as free:
                        if free:
                            shutil.rmtree(path)


@contextmanager
def _hidden_folder(parent: Path) -> Iterator[Path]:
    """An empty hidden folder in `parent`, which is removed at the end unless it was renamed."""
    parent.mkdir(parents=True, exist_ok=True)
    remove_unfinished(parent)
    folder = _hidden_name(parent)
    unlocked = folder.with_suffix(".new")  # under its own name it would be removed before it is locked
    unlocked.mkdir()
    try:
        with _locked_folder(unlocked):
            unlocked.rename(folder)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _hidden_name(folder: Path) -> Path:
    return folder / f".{uuid4().hex}.partial"


@contextmanager
def explain_errors(problem: str) -> Iterator[None]:
    """An OSError inside the block becomes a FileAccessError of one line: "cannot write 'a.png': disk full"."""
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        raise FileAccessError(f"{problem}: {error.strerror or error}") from error


def make_folder(folder: str | Path) -> Path:
    """Make a folder and those around it, unless they exist. Raises FileAccessError."""
    with explain_errors(f"cannot make the folder '{folder}'"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder)


@contextmanager
def _locked_folder(folder: Path) -> Iterator[bool]:
    """Lock a folder during the block; False if another process has it, or the system locks no folders."""
    if fcntl is None:
        yield False
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file unless another process has; the lock ends with this process."""
    with suppress(OSError):
        if fcntl is not None:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
