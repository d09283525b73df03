"""Where the files of a model lie: a folder, the package or the Hub; and what its config.json says.

Apart from `hub` so that looking up a local model loads neither torch nor the Hub's client.
"""

import json
import re
from pathlib import Path
from typing import Any

from ..errors import MissingFileError, UserError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
SCALE = 4
"""How many times a model enlarges if its configuration does not say."""
BUNDLED = Path(__file__).parent.parent / "weights"
DEFAULT_MODEL = "fasrgan-lite-x4"
"""The bundled model that is used where none is named."""


def bundled_models() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{CONFIG}"))


def find_file(name: str | Path, filename: str, *, subfolder: str = "", **options: Any) -> Path:
    """The local path of one file of a model: in a folder, bundled, or downloaded from the Hub."""
    for folder in (Path(name), BUNDLED / str(name)):
        if folder.is_dir():
            path = folder / subfolder / filename
            if path.is_file():
                return path
            raise MissingFileError(_absent(name, path.parent, filename))
    known = f"Bundled models: {', '.join(bundled_models())}."
    if "/" not in str(name) or str(name).startswith((".", "/", "~")):
        raise MissingFileError(
            f"there is no model '{name}'. {known} A folder or a Hub id (owner/name) works too."
        )
    from .transfer import download

    return download(str(name), filename, subfolder=subfolder, **options)


def _absent(name: str | Path, folder: Path, filename: str) -> str:
    pickles = sorted(
        path.name for path in folder.glob("*") if path.suffix in {".bin", ".pth", ".pt", ".ckpt"}
    )
    if filename == WEIGHTS and pickles:
        return f"'{name}' holds {pickles[0]}, a pickle, which can run code; only {WEIGHTS} is loaded"
    return f"'{name}' has no {filename if folder.is_dir() else f'folder {folder.name}/'}"


def read_config(name: str | Path, *, subfolder: str = "", **download: Any) -> dict[str, Any]:
    """The content of a model's config.json."""
    return read(find_file(name, CONFIG, subfolder=subfolder, **download), name)


def read(path: Path, name: str | Path) -> dict[str, Any]:
    """A config.json that has been found; `name` is what the user calls the model."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{CONFIG} of '{name}' is not valid JSON: {error}") from error
    if not isinstance(config, dict) or not isinstance(config.get("_model_class"), str):
        raise UserError(f"'{name}' is no model of fasrgan_hub: its {CONFIG} names no class of it")
    return config


def commit_of(path: Path) -> str | None:
    """The commit that a file in the Hub's cache belongs to (.../snapshots/COMMIT/...)."""
    match = re.search(r"/snapshots/([0-9a-f]{40})/", path.as_posix())
    return match and match[1]
