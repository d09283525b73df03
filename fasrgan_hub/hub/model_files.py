"""What a model's name stands for: files of one commit, in a folder, in the package or on the Hub.

Imports neither torch nor, for local models, the Hub's client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ..errors import MissingFileError, NetworkError, UserError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
DISCRIMINATOR = "discriminator"
DIFFICULTY = "difficulty"
"""Folder of the error estimator; the paper (Section III-B) calls reconstruction difficulty what it predicts."""
LICENSE = "LICENSE"
"""The text that has to go along with a model's weights, if they began with others'."""
SCALE = 4
"""How many times a model enlarges if its configuration does not say."""
UNSHUFFLE = {1: 4, 2: 2, 3: 1, 4: 1}
"""Scale of a generator -> side of the squares of LR pixels that one place of its trunk stands for."""
FOREIGN = (".pth", ".pt", ".ckpt", ".safetensors")
"""Endings of the files in which other programs keep a network."""
BUNDLED = Path(__file__).parent.parent / "weights"
DEFAULT_MODEL = "fasrgan-medium-x4"
"""The bundled model that is used where none is named."""


def bundled_models() -> list[str]:
    """The names of the models that come with the package.

    Those for any image come first, the smallest before all, then those of L1 stages, then those for clean images.
    """

    def rank(name: str) -> tuple[bool, bool, int]:
        return "-bicubic" in name, "-psnr" in name, (BUNDLED / name / WEIGHTS).stat().st_size

    return sorted((path.parent.name for path in sorted(BUNDLED.glob(f"*/{CONFIG}"))), key=rank)


def is_foreign_file(name: str | Path) -> bool:
    """Whether a model's name is, or would be, a file of another program; see `upscaling.spandrel_model`."""
    return Path(name).suffix.lower() in FOREIGN and not Path(name).is_dir()


Locate = Callable[[str, str], Path]
"""(file name, subfolder) -> the local path of a file of one model; MissingFileError if it has none of that name."""


@dataclass(frozen=True)
class ModelFiles:
    """The files of one network, all of one commit; `model_files` makes it.

    Args:
        name: what the user calls the model, and the folder of the network in it if it is not the generator.
        config_file: config.json.
        config: its content, the class under `_model_class` and the arguments of its constructor.
        locate: gives the other files, which are downloaded when they are first used.
        subfolder: of the network in the model.
        commit: on the Hub; None for a local model.
    """

    name: str
    config_file: Path
    config: dict[str, Any]
    locate: Locate
    subfolder: str = ""
    commit: str | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def class_name(self) -> str:
        """Name of the network's class."""
        return str(self.config["_model_class"])

    @property
    def scale(self) -> int:
        """How many times a generator enlarges."""
        return int(self.config.get("scale", SCALE))

    @cached_property
    def weights(self) -> Path:
        """model.safetensors. Raises UserError if there is none or it cannot be downloaded."""
        return self.locate(WEIGHTS, self.subfolder)

    @cached_property
    def discriminator(self) -> ModelFiles:
        """The network in `discriminator/`. Raises UserError if there is none or it cannot be downloaded."""
        return self._part(DISCRIMINATOR)

    @cached_property
    def difficulty(self) -> ModelFiles:
        """The error estimator, in `difficulty/`. Raises UserError if there is none or it cannot be downloaded."""
        return self._part(DIFFICULTY)

    @cached_property
    def notice(self) -> str:
        """The text of LICENSE; empty if there is none or it cannot be had."""
        try:
            return self.locate(LICENSE, "").read_text(encoding="utf-8")
        except (UserError, OSError, ValueError):
            return ""

    def _part(self, subfolder: str) -> ModelFiles:
        return _network(self.name, self.locate(CONFIG, subfolder), self.locate, subfolder, self.commit)


def model_files(name: str | Path | ModelFiles, *, subfolder: str = "", **options: Any) -> ModelFiles:
    """Look a model up: as a local folder, then as a bundled model, then on the Hub.

    Args:
        name: the folder, the bundled model's name or the Hub id; ModelFiles are returned as they are.
        subfolder: where in it the network lies ("discriminator", say).
        options: `revision`, `token`, `cache_dir`, ... of `hub.transfer.download`, for the Hub only.

    Raises:
        MissingFileError: there is no such model, or it has no config.json.
        NetworkError: the Hub cannot be reached.
        AccessDeniedError: the Hub does not give this model to this user.
        UserError: config.json is not one of this package, or the name cannot be one.
    """
    if isinstance(name, ModelFiles):
        return name
    for folder in (Path(name), BUNDLED / str(name)):
        if folder.is_dir():
            locate = partial(_local_file, str(name), folder.absolute())
            return _network(str(name), locate(CONFIG, subfolder), locate, subfolder)
    if Path(name).is_file():
        raise MissingFileError(f"'{name}' is a file, and no model of this package or of another program")
    if "/" not in str(name) or str(name).startswith((".", "/", "~")):
        raise MissingFileError(
            f"there is no model '{name}'. Bundled models: {', '.join(bundled_models())}. "
            "A folder or a Hub id (owner/name) works too."
        )
    from .transfer import download

    try:
        config_file = download(str(name), CONFIG, subfolder, **options)
    except NetworkError as error:
        raise NetworkError(f"{error} (and there is no folder '{name}' here)") from error
    # In the Hub's cache: .../snapshots/COMMIT/config.json.
    commit = re.search(r"/snapshots/([0-9a-f]{40})/", config_file.as_posix())
    if commit:  # that of all other files, whatever is published meanwhile
        options["revision"] = commit[1]
    locate_there = partial(download, str(name), **options)
    return _network(str(name), config_file, locate_there, subfolder, commit and commit[1])


def _network(
    name: str, config_file: Path, locate: Locate, subfolder: str, commit: str | None = None
) -> ModelFiles:
    name = f"{name}/{subfolder}" if subfolder else name
    return ModelFiles(name, config_file, read_config(config_file, name), locate, subfolder, commit)


def _local_file(name: str, model: Path, filename: str, subfolder: str) -> Path:
    folder = model / subfolder
    if (folder / filename).is_file():
        return folder / filename
    pickles = sorted(
        path.name for path in folder.glob("*") if path.suffix in {".bin", ".pth", ".pt", ".ckpt"}
    )
    if filename == WEIGHTS and pickles:
        raise MissingFileError(
            f"'{name}' holds {pickles[0]}, a pickle, which can run code; only {WEIGHTS} is loaded"
        )
    raise MissingFileError(f"'{name}' has no {filename if folder.is_dir() else f'folder {subfolder}/'}")


def read_config(path: Path, name: str) -> dict[str, Any]:
    """The content of a config.json; `name` is what the user calls the model.

    Raises UserError unless it is JSON that names a class, and where a size is no whole number.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{CONFIG} of '{name}' is not valid JSON: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("_model_class"), str):
        raise UserError(f"'{name}' is no model of fasrgan_hub: its {CONFIG} names no class of it")
    for size in ("scale", "blocks", "shared_blocks"):
        if type(config.get(size, 0)) is not int:
            raise UserError(
                f"{CONFIG} of '{name}' says that {size} is {config[size]!r}, which is no whole number"
            )
    return config
