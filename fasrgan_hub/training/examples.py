"""The example of a model that its page on the Hub shows: a small image and what the model makes of it.

Cards name the two files; a push makes them, from an image that comes with the package, so that they are always the
model's own.
"""

import re
from pathlib import Path

import numpy as np
from torch import nn

from ..images.decoded import DecodedImage
from ..images.writing import save_image
from ..upscaling.engines.int8 import calibration_crops
from ..upscaling.upscaler import Upscaler

INPUT, OUTPUT = "example_input.png", "example_output.png"
WIDGET = [{"src": INPUT, "example_title": "96x96 pixels", "output": {"url": OUTPUT}}]
"""`widget` of a card. Outputs are looked for in the repository; inputs need an address, see `address_input`."""
GALLERY = "<Gallery />"
"""Where the card's text shows the examples of its widget."""
LEMUR = 12
"""Which calibration crop is the example: fur, leaves and flat parts."""


def draw_example(model: nn.Module, folder: Path) -> None:
    """Write the two images of a generator into `folder`."""
    small = np.rint(calibration_crops()[LEMUR][0].transpose(1, 2, 0) * 255).astype(np.uint8)
    for name, pixels in ((INPUT, small), (OUTPUT, Upscaler(model, engine="torch", precision="f32")(small))):
        save_image(DecodedImage(pixels), folder / name)


def address_input(card: str, repository: str) -> str:
    """The text of a card with the address of the example's input in `repository`."""
    address = f"https://huggingface.co/{repository}/resolve/main/{INPUT}"
    return re.sub(rf"(?m)^(- src: ){re.escape(INPUT)}$", rf"\g<1>{address}", card)
