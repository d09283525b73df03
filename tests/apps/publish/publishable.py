"""A complete model folder, tiny, with a card that the package wrote."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from fasrgan_hub import FASRGAN, UNetDiscriminator
from fasrgan_hub.hub.transfer import MARK
from fasrgan_hub.models.error_estimator import ErrorEstimator

TINY = {"blocks": 1, "features": 4, "growth": 2}
CARD = f"""---
license: apache-2.0
---
{MARK}
# lite
Upscaler("lite")("photo.jpg").save("photo_x4.png")
`fasrgan evaluate lite --hr HR`
"""


def make_model(folder: Path, seed: int = 0) -> Path:
    torch.manual_seed(seed)
    FASRGAN(**TINY).save_pretrained(folder)
    UNetDiscriminator(width=4, crop=0, hidden=8).save_pretrained(folder / "discriminator")
    ErrorEstimator(width=4).save_pretrained(folder / "difficulty")
    (folder / "README.md").write_text(CARD)
    noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(noise).save(folder / "curves.png")
    return folder
