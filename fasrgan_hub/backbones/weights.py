"""The ImageNet weights of the feature networks: from the cache, else from the Hub, else from the package index.

The Hub has the VGGs (timm's copies of torchvision's weights) and the package index VGG16 and AlexNet, so that LPIPS
and a perceptual loss work without the Hub.
"""

from torch import Tensor

from ..errors import UserError
from .package_index import NETWORKS, cached_weights, packaged_weights

REPOSITORIES = {"vgg16": "timm/vgg16.tv_in1k", "vgg19": "timm/vgg19.tv_in1k"}
PREFIX = "features."


def load_weights(network: str) -> dict[str, Tensor]:
    """The weights of "vgg19", "vgg16" or "alexnet", by the keys of torchvision's `features`.

    Raises UserError if they are in none of the three.
    """
    if network in NETWORKS and (weights := cached_weights(network)):
        return weights
    if network in REPOSITORIES:
        try:
            return hub_weights(REPOSITORIES[network])
        except UserError:
            if network not in NETWORKS:
                raise
    return packaged_weights(network)


def hub_weights(repository: str) -> dict[str, Tensor]:
    """The tensors of a model of timm's whose keys start with "features.", without it.

    Raises UserError if the file is not in the Hub's cache and the Hub does not answer.
    """
    from safetensors import safe_open

    from ..hub.transfer import download

    try:  # these weights never change: what the cache has needs no question to the Hub
        path = download(repository, "model.safetensors", local_files_only=True)
    except UserError:
        path = download(repository, "model.safetensors")
    with safe_open(path, framework="pt") as file:
        keys = [key for key in file.keys() if key.startswith(PREFIX)]  # noqa: SIM118 - not a dictionary
        return {key.removeprefix(PREFIX): file.get_tensor(key) for key in keys}
