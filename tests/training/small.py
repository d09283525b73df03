"""What the tests of training share: Accelerate's settings begun anew, and a feature network that costs nothing."""

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import nn

from fasrgan_hub.training import stages


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
