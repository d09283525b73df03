"""int8 by post-training quantization, calibrated on photographs that come with the package.

calibration.webp holds 24 crops of 96 x 96 pixels, from a smooth sky to fur, of photographs in the public domain or
under CC0. They were shrunk, like the small images that a network gets. All of them come from Debian's
gcompris-qt-data and palapeli-data; `weights/PHOTOGRAPHS.csv` lists the sources.
"""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ...extras import import_extra

if TYPE_CHECKING:
    from torch import nn

CALIBRATION = Path(__file__).with_name("calibration.webp")
CROP = 96
RECIPE = "equalized"
"""Names what `quantize` does; under a new name cached networks are made again."""


def calibration_crops() -> list[np.ndarray]:
    """The calibration images, each (1, 3, 96, 96) float32 in [0, 1]."""
    with Image.open(CALIBRATION) as image:
        atlas = np.asarray(image.convert("RGB"), np.float32).transpose(2, 0, 1)[None] / 255
    rows, columns = (range(0, side, CROP) for side in atlas.shape[2:])
    return [atlas[:, :, y : y + CROP, x : x + CROP] for y in rows for x in columns]


def quantize(network: "nn.Module") -> Any:
    """`network`, which is changed, as an `openvino.Model` with int8 convolutions.

    Activations have zero points where they are not symmetric, and dense blocks are rescaled first (`equalize`).

    Sums and the first and last convolution are not quantized: the sum over many blocks needs more than 256 levels.
    Quantizing sums too, the default of nncf, loses about ten times as much PSNR and saves little time.
    Takes a minute for the lite models and several for 16.7 M parameters.

    Raises MissingPackageError without nncf.
    """
    os.environ.setdefault("NNCF_CI", "1")  # otherwise importing it sets up reports to a server
    nncf = import_extra("nncf", "int8", "openvino")
    from .convert import to_openvino
    from .equalize import equalize

    nncf.set_log_level(logging.WARNING)
    crops = calibration_crops()
    return nncf.quantize(
        to_openvino(equalize(network, crops[::3])),
        nncf.Dataset(crops),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(crops),
        ignored_scope=nncf.IgnoredScope(
            types=["Add", "Multiply", "Interpolate"], patterns=[".*conv_(first|last).*"], validate=False
        ),
    )
