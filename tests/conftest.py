"""Images that tests make for themselves."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from command import model_folder, photo_file  # noqa: F401
from hub_fixture import client, fresh, hub  # noqa: F401
from PIL import Image, ImageCms

# The networks of the tests are too small to share; several busy processes then do not wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
"""A color profile."""


def photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth random image with edges: H x W x 3 uint8."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), np.uint8))
    image = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).copy()
    for _ in range(4):
        top, left = rng.integers(0, height), rng.integers(0, width)
        image[top : top + height // 4, left : left + width // 4] = rng.integers(0, 256, 3)
    return image


def noise(channels: int, dtype: type = np.uint8, height: int = 9, width: int = 14) -> np.ndarray:
    """Random pixels, H x W x C, the same for the same number of channels."""
    top = np.iinfo(dtype).max
    return np.random.default_rng(channels).integers(0, top, (height, width, channels), dtype, endpoint=True)


@pytest.fixture(autouse=True, scope="module")
def _fresh_accelerate():
    """Accelerate keeps the settings of a process's first Accelerator: those of another file's tests go."""
    if state := sys.modules.get("accelerate.state"):
        state.AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """A folder of six PNG images of 72 to 92 pixels a side."""
    folder = tmp_path_factory.mktemp("photos")
    for index in range(6):
        Image.fromarray(photo(72 + 4 * index, 92 - 4 * index, index)).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _converted_networks_stay_here(tmp_path_factory):
    """Networks that tests make up do not fill the user's cache; what a subprocess converts is a bundled model."""
    from fasrgan_hub.upscaling.engines import network_cache

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setattr(network_cache, "cache_folder", lambda: folder)
        yield
