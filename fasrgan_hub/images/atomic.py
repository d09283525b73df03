"""Files and folders that are complete or absent: they are written under a hidden name, then renamed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
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
    partial = path.with_name(f".{uuid4().hex}.partial")
    try:
        with _explained(path):
            with partial.open("xb") as file:
                _lock(file)
                yield file
            partial.replace(path)
    finally:
        with suppress(OSError):
            partial.unlink()


@contextmanager
def replace_files(folder: Path) -> Iterator[Path]:
    """An empty folder; when the block ends without an error, its files move to `folder` in the order of their names.

    Each file replaces the one of its name; the others stay. Raises FileAccessError when that is not possible.
    """
    with _explained(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".", suffix=".partial") as partial:
            yield Path(partial)
            for file in sorted(Path(partial).iterdir()):
                file.replace(folder / file.name)


@contextmanager
def create_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes `path` when the block ends without an error.

    If another process has created `path` meanwhile, that one stays. Raises FileAccessError when it cannot be created.
    """
    with _explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent, prefix=".", suffix=".partial") as hidden:
            partial = Path(hidden, path.name)
            partial.mkdir()
            yield partial
            try:
                partial.rename(path)
            except OSError:
                if not path.is_dir():
                    raise


def remove_unfinished(folder: Path) -> None:
    """Remove what killed runs left of `replace_file` in a folder. Files that are being written are locked, and stay."""
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if UNFINISHED.fullmatch(path.name)]:
            with suppress(OSError):
                with path.open("r+b") as file:  # network file systems lock for writers alone
                    free = _lock(file)
                if free:
                    path.unlink()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """An OSError inside the block becomes one line that names `path`."""
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        raise FileAccessError(f"cannot write '{path}': {error.strerror or error}") from error


def _lock(file: BinaryIO) -> bool:
    """Lock a file unless another process has; the lock ends with this process."""
    with suppress(OSError):
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
