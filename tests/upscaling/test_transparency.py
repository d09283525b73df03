"""No halo around what is visible."""

import numpy as np
import pytest

from fasrgan_hub.upscaling.transparency import fill_transparent
from fasrgan_hub.upscaling.upscaler import Upscaler


def disc(background: tuple[int, int, int] = (0, 0, 0), size: int = 48) -> np.ndarray:
    """A red disc with a soft edge over nothing; under what is fully transparent lies `background`."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    alpha = (np.clip(size / 3 - np.hypot(x, y) + 0.5, 0, 1) * 255).round().astype(np.uint8)
    pixels = np.empty((size, size, 4), np.uint8)
    pixels[:, :, :3] = np.where(alpha[:, :, None] > 0, (220, 30, 30), background)
    pixels[:, :, 3] = alpha
    return pixels


@pytest.mark.parametrize("background", [(0, 0, 0), (255, 255, 255), (0, 255, 0)])
@pytest.mark.parametrize("model", ["bicubic", "fasrgan-lite-x4"])
def test_a_disc_on_nothing_keeps_its_color_to_the_edge(model: str, background: tuple[int, int, int]) -> None:
    upscaler = Upscaler(model)
    result = upscaler(disc(background)).astype(int)
    visible = result[:, :, 3] > 0
    opaque = disc((220, 30, 30))
    opaque[:, :, 3] = 255
    plain = upscaler(opaque[:, :, :3]).astype(int)  # what the network makes of the color alone
    assert np.abs(result[visible][:, :3] - plain[visible]).max() <= 3


def test_what_lies_under_nothing_does_not_matter() -> None:
    black, white = (Upscaler("bicubic")(disc(color)) for color in ((0, 0, 0), (255, 255, 255)))
    np.testing.assert_array_equal(black, white)


def test_what_is_visible_stays_and_holes_take_colors_from_beside_them() -> None:
    rng = np.random.default_rng(0)
    colors = rng.random((1, 3, 37, 50), np.float32)
    alpha = np.float32(0.3) * (rng.random((1, 1, 37, 50), np.float32) > 0.7)
    filled = fill_transparent(colors, alpha)
    visible = np.broadcast_to(alpha > 0, filled.shape)
    assert np.array_equal(filled[visible], colors[visible])
    assert filled.min() >= colors.min() and filled.max() <= colors.max()

    left = np.zeros((1, 1, 16, 16), np.float32)
    left[..., :4] = 0.2
    left[..., 12:] = 0.9
    hole = fill_transparent(left, (left > 0).astype(np.float32))[0, 0]
    assert (
        hole[:, 4].max() < hole[:, 11].min() and hole.min() >= left[0, 0, 0, 0] and hole.max() <= left.max()
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 3), (31, 64)])
def test_any_size_and_a_single_visible_pixel(size: tuple[int, int]) -> None:
    colors = np.zeros((1, 3, *size), np.float32)
    alpha = np.zeros((1, 1, *size), np.float32)
    assert np.array_equal(fill_transparent(colors, alpha), colors)
    colors[..., -1, -1], alpha[..., -1, -1] = 0.5, 1
    assert np.allclose(fill_transparent(colors, alpha), 0.5)
