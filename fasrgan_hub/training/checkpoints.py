"""Checkpoints: one file each, written aside and renamed, the oldest removed; read with `weights_only`."""

import os
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from ..errors import FileAccessError, MissingFileError


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], keep: int) -> None:
    """Write `state` as folder/step-N.pt and leave only the newest `keep` checkpoints.

    Those of later steps are removed: they are damaged, and the run was resumed from one before them.

    Raises UserError when it cannot be written (a full disk, say); the checkpoints before it stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:08d}.pt"
    partial = folder / f".{path.name}.partial"
    try:
        torch.save(state, partial)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())  # or a power cut may leave the name without the content
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise FileAccessError(
            f"checkpoint {path.name} cannot be written ({str(error).splitlines()[0]}); is the disk full? "
            "--resume latest goes on from the one before it"
        ) from error
    others = sorted(folder.glob("step-*.pt"))
    number = others.index(path) + 1
    for other in others[: max(0, number - keep)] + others[number:]:
        other.unlink()


def load_latest(folder: Path) -> dict[str, Any]:
    """The newest checkpoint that is whole; damaged ones are named in a warning. UserError if there is none."""
    for path in sorted(folder.glob("step-*.pt"), reverse=True):
        try:
            with zipfile.ZipFile(path) as archive:  # torch.load does not look at the checksums
                damaged = archive.testzip()
            if damaged is None:
                return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # whatever a damaged file provokes
            damaged = type(error).__name__
        warnings.warn(f"{path.name} is damaged ({damaged}); going on from the one before it", stacklevel=2)
    raise MissingFileError(f"there is no checkpoint to resume from in '{folder}'")
