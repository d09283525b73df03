"""What the tests of training share: tiny runs, Accelerate's settings begun anew, and features that cost nothing."""

import pytest
import torch
from accelerate.state import AcceleratorState
from torch import nn

from fasrgan_hub.training import starting
from fasrgan_hub.training.recipes import make_config


def options(photos, output, system="fasrgan-lite", stage="gan", **more):
    """A tiny run as nested choices; `more` changes them, group by group."""
    rrdb = {} if system.startswith("srgan") else {"growth": 4}
    tiny = {
        "system": system,
        "output": str(output),
        "stage": stage,
        "steps": 4,
        "generator": {"blocks": 1, "features": 8, **rrdb},
        "discriminator": {"width": 4, "hidden": 8, "crop": 0},
        "data": {
            "source": f"folder:{photos}",
            "batch": 4,
            "crop": 32,
            "crops_per_image": 2,
            "shuffle_buffer": 3,
        },
        "perceptual": {"network": "vgg16"},
        "logging": {"trackers": ()},
    }
    return merged(tiny, more)


def merged(base, changes):
    both = {
        name: base[name] | value if isinstance(value, dict) and name in base else value
        for name, value in changes.items()
    }
    return base | both


def words(choices):
    """The choices as options of the command line."""
    return [f"--{path}={list(value) if isinstance(value, tuple) else value}" for path, value in flat(choices)]


def flat(state, prefix=""):
    """Nested dictionaries as (path, value)."""
    for key, value in state.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def config(*arguments, **more):
    return make_config(options(*arguments, **more))


@pytest.fixture(autouse=True)
def fresh_accelerate():
    """Accelerate keeps its settings for the life of a process; every test has its own."""
    AcceleratorState._reset_state(reset_partial_state=True)  # of a test in a file without this fixture
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


class TinyFeatures(nn.Module):
    """In the place of VGG: a fixed random convolution."""

    name = "a random convolution"

    def __init__(self, *_):
        super().__init__()
        self.register_buffer("weight", torch.randn(4, 3, 3, 3, generator=torch.Generator().manual_seed(0)))

    def forward(self, images):
        return [nn.functional.conv2d(images, self.weight.to(images.dtype), stride=2)]


@pytest.fixture
def tiny_features(monkeypatch):
    monkeypatch.setattr(starting, "PerceptualFeatures", TinyFeatures)
