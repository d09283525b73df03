from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from fasrgan_hub.data.bicubic import resize
from fasrgan_hub.errors import UserError
from fasrgan_hub.upscaling.scale import check_scale, resize_bands, scaled


@pytest.mark.parametrize("target", [(20, 30), (33, 25), (1, 1), (40, 60), (13, 61), (97, 120)])
@pytest.mark.parametrize("heights", [[40], [1] * 40, [7, 20, 13]])
def test_bands_become_what_the_whole_would(target: tuple[int, int], heights: list[int]) -> None:
    picture = torch.rand(1, 3, 40, 60)
    bands = list(resize_bands(picture.split(heights, dim=2), (40, 60), target))
    expected = resize(picture, size=target).clamp(0, 1)
    torch.testing.assert_close(torch.cat(bands, dim=2), expected, atol=1e-5, rtol=0)
    assert len(bands) <= len(heights)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
def test_whole_numbers_stay_of_their_kind(dtype: torch.dtype) -> None:
    top = torch.iinfo(dtype).max
    picture = (torch.rand(1, 1, 24, 20) * top).round().to(dtype)
    (band,) = resize_bands([picture], (24, 20), (12, 15))
    expected = resize(picture.double(), size=(12, 15)).clamp(0, top)
    assert band.dtype == dtype and (band.double() - expected).abs().max() < 0.51


@pytest.mark.parametrize("target", [(200, 20), (100, 10)])
def test_only_a_few_rows_are_held(target: tuple[int, int]) -> None:
    """After every band all rows of the result have come that can, but for those that look beyond it."""
    came = 0

    def bands() -> Iterator[Tensor]:
        for row in range(400):
            assert came >= (row - 12) * target[0] / 400
            yield torch.zeros(1, 1, 1, 40)

    for band in resize_bands(bands(), (400, 40), target):
        came += band.shape[2]
    assert came == target[0]


@pytest.mark.parametrize(
    ("length", "scale", "side"), [(3, 1.5, 5), (7, 0.5, 4), (1, 0.1, 1), (100, 2.499, 250)]
)
def test_sides_are_rounded(length: int, scale: float, side: int) -> None:
    assert scaled(length, scale) == side


@pytest.mark.parametrize("scale", [0, -1, 16.1, float("nan"), float("inf")])
def test_a_scale_out_of_range(scale: float) -> None:
    with pytest.raises(UserError, match="out of range"):
        check_scale(scale)
