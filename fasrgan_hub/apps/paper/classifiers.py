"""ImageNet classifiers for Table III: models of timm.

EfficientNet-Lite0 needs no Hub: its weights (Apache-2.0) come from the package index.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor, nn

from ...backbones.package_index import packaged_weights
from ...errors import UserError
from ...extras import import_extra

OFFLINE = "efficientnet-lite0"
# torchvision's first weights: later ones err less on the originals than the paper's baseline of 0.241.
DEFAULT = "resnet50.tv_in1k"

# The range of EfficientNet-Lite0's input: (pixel - 127) / 128.
OFFLINE_RANGE = {"mean": (127 / 255,) * 3, "std": (128 / 255,) * 3}


@dataclass(frozen=True)
class Classifier:
    """A network and the preparation it was trained for.

    Args:
        network: (N, 3, size, size), prepared -> (N, classes) logits.
        prepare: (H, W, 3) uint8 -> (3, size, size).
    """

    name: str
    network: nn.Module
    prepare: Callable[[np.ndarray], Tensor]


def load_classifier(name: str = DEFAULT) -> Classifier:
    """A classifier with its weights, in eval mode: a model of timm by name, a folder that timm saved, or `OFFLINE`.

    Raises UserError if it cannot be loaded.
    """
    timm = import_extra("timm", f"'{name}'", "recognition")
    if name == OFFLINE:
        network = timm.create_model("tf_efficientnet_lite0")
        tensors = (tensor for _, tensor in sorted(packaged_weights(OFFLINE).items()))
        network.load_state_dict(dict(zip(network.state_dict(), tensors, strict=True)))
    else:
        try:
            place = f"local-dir:{name}" if Path(name).is_dir() else name
            network = timm.create_model(place, pretrained=True)
        except Exception as error:  # whatever timm or the Hub raise for a wrong name or without a network
            raise UserError(f"timm cannot load '{name}': {error}; {OFFLINE} needs no Hub") from error
    config = timm.data.resolve_model_data_config(network) | (OFFLINE_RANGE if name == OFFLINE else {})
    transform = timm.data.create_transform(**config)
    return Classifier(name, network.eval(), lambda pixels: transform(Image.fromarray(pixels)))
