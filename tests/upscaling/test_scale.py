import pytest

from fasrgan_hub.errors import UserError
from fasrgan_hub.upscaling.scale import check_scale, scaled


@pytest.mark.parametrize(
    ("length", "scale", "side"), [(3, 1.5, 5), (7, 0.5, 4), (1, 0.1, 1), (100, 2.499, 250)]
)
def test_sides_are_rounded(length: int, scale: float, side: int) -> None:
    assert scaled(length, scale) == side


@pytest.mark.parametrize("scale", [0, -1, 16.1, float("nan"), float("inf")])
def test_a_scale_out_of_range(scale: float) -> None:
    with pytest.raises(UserError, match="out of range"):
        check_scale(scale, 4)
