"""Files that are there whole or not at all."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from ..errors import FileAccessError, UserError

try:
    import fcntl
except ImportError:  # Windows, where a file that somebody is writing cannot be removed anyway
    fcntl = None  # type: ignore[assignment]

UNFINISHED = re.compile(r"\.[0-9a-f]{32}\.partial")


@contextmanager
def written_whole(path: str | Path) -> Iterator[BinaryIO]:
    """A file to write into; it takes the name `path` when the block ends well and vanishes when it does not.

    The content lies under a hidden name in the same folder until then, so that a killed run leaves what was
    at `path` before. Raises UserError when the place cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{uuid4().hex}.partial")
    try:
        with partial.open("xb") as file:
            _lock(file)
            yield file
        partial.replace(path)
    except UserError:  # from inside the block
        raise
    except OSError as error:
        raise FileAccessError(f"cannot write '{path}': {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink()


def remove_unfinished(folder: Path) -> None:
    """Remove what killed runs left in a folder. What somebody is writing is locked, and stays."""
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if UNFINISHED.fullmatch(path.name)]:
            with suppress(OSError):
                with path.open("r+b") as file:  # network file systems lock for writers alone
                    free = _lock(file)
                if free:
                    path.unlink()


def _lock(file: BinaryIO) -> bool:
    """Take a file that nobody else has; the lock goes with the process."""
    with suppress(OSError):
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
