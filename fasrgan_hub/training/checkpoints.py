"""Checkpoints: one file each, written aside and renamed, the oldest removed; read with `weights_only`."""

from pathlib import Path
from typing import Any

import torch

from ..errors import UserError


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], keep: int) -> Path:
    """Write `state` as folder/step-N.pt and leave only the newest `keep` checkpoints."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{step:08d}.pt"
    partial = folder / f".{path.name}.partial"
    torch.save(state, partial)
    partial.replace(path)
    for old in sorted(folder.glob("step-*.pt"))[:-keep]:
        old.unlink()
    return path


def load_latest(folder: Path) -> dict[str, Any]:
    """The newest checkpoint that can be read; UserError if there is none."""
    for path in sorted(folder.glob("step-*.pt"), reverse=True):
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            print(f"{path.name} cannot be read ({type(error).__name__}); going back to the one before it")
    raise UserError(f"there is no checkpoint to resume from in '{folder}'")
