"""What the Upscaler shows bundled networks beyond the edges of an image."""

import numpy as np
import pytest

from fasrgan_hub.upscaling.upscaler import Upscaler

SATURATED = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 255, 255), (30, 60, 120)]


@pytest.mark.parametrize("name", ["fasrgan-lite-x4", "fasrgan-medium-x4", "fasrgan-lite-x2"])
def test_a_flat_color_stays_itself_up_to_the_edge(name: str) -> None:
    worst = {"mirror": 0, "wrap": 0, "zeros": 0}
    for edges in worst:
        upscaler = Upscaler(name, edges=edges)
        for color in SATURATED:
            result = upscaler(np.full((20, 24, 3), color, np.uint8)).astype(int)
            worst[edges] = max(worst[edges], abs(result - result[20, 24]).max())
    assert worst["mirror"] <= 6 and worst["wrap"] <= 6 < 30 < worst["zeros"], worst


def test_a_texture_that_repeats_does_so_afterwards() -> None:
    texture = np.random.default_rng(3).integers(1, 256, (24, 30, 4), np.uint8)
    rolled = np.roll(texture, (7, 11), (0, 1))
    upscaler = Upscaler("fasrgan-lite-x4", edges="wrap", engine="torch", precision="f32")
    seamless, shifted = upscaler(texture), np.roll(upscaler(rolled), (-28, -44), (0, 1))
    assert abs(seamless.astype(int) - shifted).max() <= 1
    tiled = Upscaler("fasrgan-lite-x4", edges="wrap", engine="torch", precision="f32", tile=16)
    assert abs(seamless.astype(int) - tiled(texture)).max() <= 1


def test_it_also_does_so_at_a_factor_that_is_not_the_models() -> None:
    texture = np.random.default_rng(5).integers(0, 256, (20, 28, 3), np.uint8)
    upscaler = Upscaler("fasrgan-lite-x4", edges="wrap", engine="torch", precision="f32", scale=2.5)
    shifted = np.roll(upscaler(np.roll(texture, (6, 10), (0, 1))), (-15, -25), (0, 1))
    assert abs(upscaler(texture).astype(int) - shifted).max() <= 1
