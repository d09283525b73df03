"""Tensors of other programs' files, and nothing else of them: safetensors, or `.pth` through `weights_only`."""

import json
import pickle
import re
import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from ..errors import MissingFileError, UserError

Weights = dict[str, Tensor]

CONTAINERS = ("params_ema", "params", "state_dict", "model_state_dict")
PREFIX = r"(module|netG|generator|model(?!\.\d))\."


def read_tensors(path: Path) -> Weights:
    """The weights of a .safetensors or .pth file by the file's own keys, without containers and prefixes.

    Raises:
        MissingFileError: there is no such file.
        UserError: it is damaged, holds more than tensors, or holds no weights.
    """
    if not path.is_file():
        raise MissingFileError(f"there is no file '{path}'")
    content = _load(path)
    for _ in CONTAINERS:  # no deeper: a pickled container may hold itself
        if isinstance(content, dict):
            content = next((content[key] for key in CONTAINERS if key in content), content)
    if not isinstance(content, dict):
        raise UserError(f"'{path}' holds no table of weights")
    weights = {
        key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)
    }
    while weights and all(re.match(PREFIX, key) for key in weights):
        weights = {re.sub(f"^{PREFIX}", "", key): tensor for key, tensor in weights.items()}
    if not weights:
        raise UserError(f"'{path}' holds no weights")
    return weights


def read_safetensors(path: Path, remedy: str = "replace it") -> Weights:
    """The tensors of a safetensors file. Raises UserError with the remedy if it is damaged."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"'{path}' is not a safetensors file, or is damaged ({error}); {remedy}") from error


def write_safetensors(weights: Weights, path: Path, metadata: dict[str, str]) -> None:
    """Write tensors and texts. Equal ones make equal bytes: `save_file` writes the texts in random order."""
    save_file(weights, path, metadata={"format": "pt"} | metadata)
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        content = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode().ljust(length)
        assert len(content) == length, "only the order changes"
        file.seek(8)
        file.write(content)


def read_metadata(path: Path) -> dict[str, str]:
    """The texts in the header of a safetensors file, such as `license`; the file must be one."""
    with safe_open(path, "pt") as file:
        return dict(file.metadata() or {})


def _load(path: Path) -> Any:
    """What the file holds, without running anything in it."""
    if path.suffix.lower() == ".safetensors":
        return read_safetensors(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        culprit = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f" ({culprit[1]})" if culprit else ""
        raise UserError(
            f"'{path}' holds more than tensors{what}, which could run code; it was not read"
        ) from error
    except Exception as error:  # torch raises nearly anything when a file is damaged
        raise UserError(f"'{path}' is no file of weights, or is damaged") from error
