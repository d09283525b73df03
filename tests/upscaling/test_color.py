import numpy as np
import pytest
import torch
from conftest import photo
from torch import Tensor

from fasrgan_hub.data.bicubic import resize
from fasrgan_hub.upscaling.color import REACH, Drift, match_color
from fasrgan_hub.upscaling.engines import bicubic
from fasrgan_hub.upscaling.tiles import OVERLAP, upscale_tiled

LEVEL = 1 / 255


@pytest.fixture(scope="module")
def picture() -> Tensor:
    """(1, 3, 48, 80), its colours away from black and white."""
    pixels = torch.from_numpy(photo(48, 80)).permute(2, 0, 1)[None] / 255
    return 0.1 + 0.8 * pixels


@pytest.fixture(scope="module")
def texture() -> Tensor:
    """(1, 3, 192, 320): detail that the input does not have: nothing of it is left in a picture a quarter as large."""
    noise = torch.from_numpy(np.random.default_rng(0).normal(0, 0.03, (1, 3, 192, 320))).float()
    return noise - resize(resize(noise, 0.25), 4.0)


def cast(height: int, width: int) -> Tensor:
    """A shift of up to 8 levels that changes over the picture, other in each channel."""
    row, column = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)
    waves = [torch.sin(3 * row + 2 * column), torch.cos(3 * row * column), row - column]
    return 8 * LEVEL * torch.stack([wave.expand(height, width) for wave in waves])[None]


def low(y: Tensor) -> Tensor:
    """What is left of a result in 16 x 16 blocks."""
    return torch.nn.functional.avg_pool2d(y, 16)


@pytest.mark.parametrize("shift", [torch.tensor([2.5, -1.1, 8.0]).view(1, 3, 1, 1) * LEVEL, cast(192, 320)])
def test_a_cast_is_taken_out_and_detail_stays(picture: Tensor, texture: Tensor, shift: Tensor) -> None:
    clean = bicubic(picture) + texture
    result = match_color(lambda x: clean + shift)(picture)
    untouched = match_color(lambda x: clean)(picture)
    assert (low(clean + shift) - low(clean)).abs().max() > 2 * LEVEL
    assert (low(result) - low(untouched)).abs().max() < 0.5 * LEVEL
    assert (low(result) - low(clean)).abs().mean() < 0.5 * LEVEL
    # Detail: the correction has none, it is as smooth as the blur.
    correction = result - (clean + shift)
    assert (correction.diff(dim=-1)).abs().max() < 2 * LEVEL
    inner = (..., slice(32, -32), slice(32, -32))
    high = correction - torch.nn.functional.avg_pool2d(correction, 9, 1, 4, count_include_pad=False)
    assert high[inner].std() < 0.1 * texture.std()


def test_a_result_that_agrees_is_left_alone(picture: Tensor) -> None:
    """Plain repetition has block means that are the input; bicubic shrinking sees nearly that."""
    flat = torch.full((1, 3, 7, 5), 0.4)
    torch.testing.assert_close(match_color(bicubic)(flat), bicubic(flat), atol=1e-6, rtol=0)
    drift = Drift()
    match_color(bicubic, drift)(picture)
    found = drift.take()
    assert found is not None and max(found) < 0.5


def test_the_drift_is_told_in_levels_and_once() -> None:
    shift = torch.tensor([2.5, -1.0, 4.0]).view(1, 3, 1, 1) * LEVEL
    drift = Drift()
    engine = match_color(lambda x: bicubic(x) + shift, drift)
    assert drift.take() is None
    for _ in range(3):
        engine(torch.full((1, 3, 6, 9), 0.5))
    assert drift.take() == pytest.approx((2.5, 1.0, 4.0), abs=1e-3)
    assert drift.take() is None


def test_colours_that_will_be_clipped_do_not_count() -> None:
    white = torch.ones(1, 3, 8, 8)
    result = match_color(lambda x: bicubic(x) + 0.3)(white)
    torch.testing.assert_close(result.clamp(0, 1), torch.ones_like(result), atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (3, 2)])
def test_any_size(shape: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *shape)
    result = match_color(lambda x: bicubic(x) * 0 + 0.5)(x)
    assert result.shape == (2, 3, 4 * shape[0], 4 * shape[1]) and result.isfinite().all()
    assert (resize(result, 0.25) - x).abs().mean() < (x - 0.5).abs().mean()


def test_tiles_make_no_difference_within_the_reach() -> None:
    assert REACH < OVERLAP

    def engine(x: Tensor) -> Tensor:
        """Looks at no neighbour, so that what reaches further is the matching's."""
        return torch.nn.functional.interpolate(x**2, scale_factor=4)

    x = torch.from_numpy(photo(60, 90)).permute(2, 0, 1)[None] / 255
    matched = match_color(engine)
    whole = matched(x)
    assert (upscale_tiled(matched, x, 16, REACH) - whole).abs().max() < 1e-5
    assert (upscale_tiled(matched, x, 16, 1) - whole).abs().max() > 1e-3
