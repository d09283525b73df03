"""Small networks with random weights, and their engines."""

from pathlib import Path

import numpy as np
import torch

from fasrgan_hub.models.generators import Generator
from fasrgan_hub.systems import FASRGAN, SRGAN, FsSRGAN
from fasrgan_hub.upscaling.engines import Engine, make_engine
from fasrgan_hub.upscaling.engines.choice import Choice
from fasrgan_hub.upscaling.engines.network import find_network

NETWORKS = {
    "rrdb": lambda: FASRGAN(blocks=1, features=8, growth=4),
    "shared": lambda: FsSRGAN(blocks=1, features=8, growth=4, shared_blocks=1),
    "srresnet": lambda: SRGAN(blocks=1, features=8),
}
F32 = Choice("torch", "f32")
OPENVINO = Choice("openvino", "f32")


def build(kind: str = "rrdb") -> Generator:
    torch.manual_seed(0)
    return NETWORKS[kind]().eval()


def engine_of(model: Generator | Path, choice: Choice) -> Engine:
    return make_engine(find_network(model), choice)


def image(batch: int = 1, height: int = 12, width: int = 10) -> np.ndarray:
    return np.random.default_rng(height).random((batch, 3, height, width), np.float32)
