"""What the tests of training share: tiny runs, Accelerate's settings begun anew, and features that cost nothing."""

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import nn

from fasrgan_hub.training import stages
from fasrgan_hub.training.config import TrainConfig


def options(photos, output, system="fasrgan-lite", stage="gan", **more):
    rrdb = "" if system.startswith("srgan") else ",growth=4"
    return {
        "system": system,
        "data": f"folder:{photos}",
        "output": str(output),
        "stage": stage,
        "steps": 4,
        "batch": 4,
        "crop": 32,
        "crops_per_picture": 2,
        "window": 3,
        "perceptual": "vgg16",
        "tracker": "none",
        "generator": f"blocks=1,features=8{rrdb}",
        "discriminator": "width=4,hidden=8,crop=0",
    } | more


def config(*arguments, **more):
    return TrainConfig.preset(options(*arguments, **more))


@pytest.fixture(autouse=True)
def fresh_accelerate():
    """Accelerate keeps its settings for the life of a process; every test has its own."""
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


class TinyFeatures(nn.Module):
    """In the place of VGG: a fixed random convolution."""

    name = "a random convolution"

    def __init__(self, *_):
        super().__init__()
        self.register_buffer("weight", torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0)))

    def forward(self, pictures):
        return [nn.functional.conv2d(pictures, self.weight.to(pictures.dtype), stride=2)]


@pytest.fixture
def tiny_features(monkeypatch):
    monkeypatch.setattr(stages, "PerceptualFeatures", TinyFeatures)
