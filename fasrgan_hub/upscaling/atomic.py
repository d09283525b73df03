"""Files that are there whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from ..errors import UserError


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
            yield file
        partial.replace(path)
    except OSError as error:
        raise UserError(f"cannot write '{path}': {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink()
