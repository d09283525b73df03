"""The grid's score sees cells of 4 x 4 that repeat, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fasrgan_hub.errors import UserError
from fasrgan_hub.metrics.grid import grid

EXAMPLES = Path(__file__).parents[2] / "spaces/upscaler/examples"
RNG = np.random.default_rng(0)
NOISE = RNG.normal(128, 12, (192, 256))


def image(y):
    return np.repeat(np.clip(np.rint(y), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_noise_has_no_grid_and_a_faint_one_is_measured():
    cell = np.tile(RNG.normal(0, 2, (4, 4)), (48, 64))
    assert grid(image(NOISE)) < 2
    assert grid(image(NOISE + cell)) > 5


def test_it_is_the_period_of_4_that_counts_at_any_phase():
    cell = np.tile(RNG.normal(0, 6, (5, 5)), (39, 52))[:192, :256]
    assert grid(image(NOISE + cell)) < 2
    cell = np.tile(RNG.normal(0, 6, (4, 4)), (48, 64))
    assert grid(image(NOISE + cell)) == pytest.approx(grid(image(NOISE + np.roll(cell, 1, 1))), rel=0.3)


def test_a_mesh_whose_cells_differ_is_a_grid_too():
    """Noise that is stronger at one place of each cell: its mean there is that of all others."""
    stronger = np.ones((4, 4))
    stronger[1, 2] = 2
    assert grid(image(128 + (NOISE - 128) * np.tile(stronger, (48, 64)))) > 5


def test_a_local_grid_counts():
    cell = np.tile(RNG.normal(0, 6, (4, 4)), (48, 64))
    cell[:, :160] = 0
    assert grid(image(NOISE + cell)) > 5


def test_contrast_and_flat_images():
    assert grid(image(np.full((65, 65), 40))) < 1e-9
    step = np.zeros((128, 128))
    step[:, 67:] = 200
    assert grid(image(step)) < 2


def test_nearest_neighbors_have_a_grid_and_the_photograph_none():
    photo = Image.open(EXAMPLES / "coffee.png").convert("RGB")
    small = photo.resize((photo.width // 4, photo.height // 4), Image.Resampling.BICUBIC)
    blocks = small.resize((small.width * 4, small.height * 4), Image.Resampling.NEAREST)
    assert grid(np.asarray(photo)) < 4 < 15 < grid(np.asarray(blocks))


def test_too_small_an_image_is_a_plain_mistake():
    with pytest.raises(UserError, match="65x65"):
        grid(image(NOISE[:64]))
