import numpy as np
import pytest
import torch
from conftest import photo

from fasrgan_hub.images import bicubic as matlab
from fasrgan_hub.upscaling.color import REACH, ColorShift, match_color
from fasrgan_hub.upscaling.engines import bicubic
from fasrgan_hub.upscaling.tiles import OVERLAP, upscale_bands

LEVEL = np.float32(1 / 255)


def resize(x: np.ndarray, scale: float) -> np.ndarray:
    return matlab.resize(torch.from_numpy(x), scale).numpy()


def constant(*levels: float) -> np.ndarray:
    """(1, 3, 1, 1): a shift of each channel by so many of 255 levels."""
    return LEVEL * np.array(levels, np.float32)[None, :, None, None]


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """(1, 3, 48, 80), its colors away from black and white."""
    return (0.1 + 0.8 / 255 * photo(48, 80).transpose(2, 0, 1)[None]).astype(np.float32)


@pytest.fixture(scope="module")
def texture() -> np.ndarray:
    """(1, 3, 192, 320): detail that the input does not have: nothing of it is left in an image a quarter as large."""
    noise = np.random.default_rng(0).normal(0, 0.03, (1, 3, 192, 320)).astype(np.float32)
    return noise - resize(resize(noise, 0.25), 4.0)


def cast(height: int, width: int) -> np.ndarray:
    """A shift of up to 8 levels that changes over the image, other in each channel."""
    row, column = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)
    waves = [np.sin(3 * row + 2 * column), np.cos(3 * row * column), row - column]
    return 8 * LEVEL * np.stack(waves)[None].astype(np.float32)


def low(y: np.ndarray) -> np.ndarray:
    """What is left of a result in 16 x 16 blocks."""
    return torch.nn.functional.avg_pool2d(torch.from_numpy(y), 16).numpy()


@pytest.mark.parametrize("shift", [constant(2.5, -1.1, 8.0), cast(192, 320)])
def test_a_cast_is_taken_out_and_detail_stays(
    image: np.ndarray, texture: np.ndarray, shift: np.ndarray
) -> None:
    clean = bicubic(image) + texture
    result = match_color(lambda x: clean + shift)(image)
    untouched = match_color(lambda x: clean)(image)
    assert abs(low(clean + shift) - low(clean)).max() > 2 * LEVEL
    assert abs(low(result) - low(untouched)).max() < 0.5 * LEVEL
    assert abs(low(result) - low(clean)).mean() < 0.5 * LEVEL
    # Detail: the correction has none, it is as smooth as the blur.
    correction = result - (clean + shift)
    assert abs(np.diff(correction)).max() < 2 * LEVEL
    mean = torch.nn.functional.avg_pool2d(torch.from_numpy(correction), 9, 1).numpy()
    assert (correction[..., 4:-4, 4:-4] - mean)[..., 28:-28, 28:-28].std() < 0.1 * texture.std()


def test_a_result_that_agrees_is_left_alone(image: np.ndarray) -> None:
    """Plain repetition has block means that are the input; bicubic shrinking sees nearly that."""
    flat = np.full((1, 3, 7, 5), 0.4, np.float32)
    np.testing.assert_allclose(match_color(bicubic)(flat), bicubic(flat), atol=1e-6, rtol=0)
    shift = ColorShift()
    match_color(bicubic, shift)(image)
    mean = shift.mean()
    assert mean is not None and max(mean) < 0.5


def test_the_color_shift_is_measured_in_levels() -> None:
    offset = constant(2.5, -1.0, 4.0)
    shift = ColorShift()
    engine = match_color(lambda x: bicubic(x) + offset, shift)
    assert shift.mean() is None
    for _ in range(3):
        engine(np.full((1, 3, 6, 9), 0.5, np.float32))
    assert shift.mean() == pytest.approx((2.5, 1.0, 4.0), abs=1e-3)


def test_colors_that_will_be_clipped_do_not_count() -> None:
    white = np.ones((1, 3, 8, 8), np.float32)
    result = match_color(lambda x: bicubic(x) + 0.3)(white)
    np.testing.assert_allclose(result.clip(0, 1), 1, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (3, 2)])
def test_any_size(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).random((2, 3, *shape), np.float32)
    result = match_color(lambda x: bicubic(x) * 0 + 0.5)(x)
    assert result.shape == (2, 3, 4 * shape[0], 4 * shape[1]) and np.isfinite(result).all()
    assert abs(resize(result, 0.25) - x).mean() < abs(x - 0.5).mean()


def test_tiles_make_no_difference_within_the_reach() -> None:
    assert REACH < OVERLAP

    def engine(x: np.ndarray) -> np.ndarray:
        """Looks at no neighbor, so that what reaches further is the matching's."""
        return (x**2).repeat(4, -1).repeat(4, -2)

    def matched(window: np.ndarray) -> np.ndarray:
        return match_color(engine)(window.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)

    x = photo(60, 90).astype(np.float32) / 255
    whole = matched(x)
    assert abs(np.concatenate(list(upscale_bands(matched, x, 16, REACH))) - whole).max() < 1e-5
    assert abs(np.concatenate(list(upscale_bands(matched, x, 16, 1))) - whole).max() > 1e-3
