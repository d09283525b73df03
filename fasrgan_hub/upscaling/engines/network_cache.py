"""Where converted networks are kept, so that each is made once."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from ...cache import cache_folder
from .network import Network


def kept(
    network: Network, name: str, make: Callable[[Path], None], scratch: Path, precious: bool = False
) -> Path:
    """The folder that `make` filled for this network under this name, now or on an earlier run.

    It lies in the package's cache folder, never in the model's own, which may come from anywhere and bring a folder
    along, and is there whole or not at all. `scratch` has it instead, for this run only, where the cache cannot be
    written, for a network without a key, and for a module, such as one between two: those would pile up. What takes
    minutes (`precious`) is kept for a module too.

    Args:
        network: what is converted; its key is part of the folder's name, so that new weights are converted anew.
        name: what becomes of it, with the versions that matter.
        make: fills an empty folder.
        scratch: a folder that lives as long as the result is needed.
    """
    if network.key is None or not (network.named or precious):
        return _made(scratch / name, make)
    home = cache_folder() / "engines"
    place = home / f"{name}-{network.key[:20]}"
    if place.is_dir():
        return place
    with suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=home, prefix=".making-") as partial:
            made = _made(Path(partial) / "made", make)
            with suppress(OSError):  # another process was quicker
                made.rename(place)
        return place
    return _made(scratch / name, make)


def _made(folder: Path, make: Callable[[Path], None]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(folder)
    return folder
