"""Makes the images of a model's example from an image that comes with the package; see `hub.card_example`."""

from pathlib import Path

import numpy as np
from torch import nn

from ...hub.card_example import INPUT, OUTPUT
from ...images.decoded import DecodedImage
from ...images.writing import save_image
from ...upscaling.engines.int8 import calibration_crops
from ...upscaling.upscaler import Upscaler

LEMUR = 12
"""Which calibration crop is the example: fur, leaves and flat parts."""


def draw_example(model: nn.Module, folder: Path) -> None:
    """Write the two images of a generator into `folder`."""
    small = np.rint(calibration_crops()[LEMUR][0].transpose(1, 2, 0) * 255).astype(np.uint8)
    for name, pixels in ((INPUT, small), (OUTPUT, Upscaler(model, engine="torch", precision="f32")(small))):
        save_image(DecodedImage(pixels), folder / name)
