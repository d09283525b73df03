"""Converted networks on disk, so that each is converted once."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ...cache import cache_folder
from ...images.atomic import create_folder
from .network import Network


def cached_folder(
    network: Network, name: str, fill: Callable[[Path], None], scratch: Path, slow: bool = False
) -> Path:
    """The folder that `fill` filled for this network under this name, now or on an earlier run.

    It lies in the package's cache folder, complete or not at all; never in the model's own folder, which may come
    from anywhere and bring a converted network along. It lies in `scratch` where the cache cannot be written, for a
    network without a key, and for a module (such as an interpolated one), unless it is `slow` to make: those would
    accumulate in the cache.

    Args:
        network: what is converted; its key is part of the folder's name, so that new weights are converted anew.
        name: of the converted form, with the versions that matter.
        fill: writes the files into an empty folder.
        scratch: a folder that lives as long as the result is needed.
        slow: converting takes minutes.
    """
    if network.key is not None and (network.named or slow):
        folder = cache_folder() / "engines" / f"{name}-{network.key[:20]}"
        if folder.is_dir():
            return folder
        with suppress(OSError), create_folder(folder) as partial:
            fill(partial)
        if folder.is_dir():
            return folder
    folder = scratch / name
    folder.mkdir(parents=True, exist_ok=True)
    fill(folder)
    return folder
