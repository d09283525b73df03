from collections.abc import Iterator

import numpy as np
import pytest
import torch

from fasrgan_hub.images.bicubic import resize
from fasrgan_hub.images.resampling import resize_bands


def resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """All at once: (H, W, C) -> (*size, C), not clamped."""
    return resize(torch.from_numpy(image).permute(2, 0, 1), size=size).permute(1, 2, 0).numpy()


@pytest.mark.parametrize("target", [(20, 30), (33, 25), (1, 1), (40, 60), (13, 61), (97, 120)])
@pytest.mark.parametrize("heights", [[40], [1] * 40, [7, 20, 13]])
def test_bands_become_what_the_whole_would(target: tuple[int, int], heights: list[int]) -> None:
    image = np.random.default_rng(0).random((40, 60, 3), np.float32)
    bands = list(resize_bands(np.split(image, np.cumsum(heights)[:-1]), (40, 60), target))
    expected = resized(image, target).clip(0, 1)
    np.testing.assert_allclose(np.concatenate(bands), expected, atol=1e-5, rtol=0)
    assert len(bands) <= len(heights)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_numbers_stay_of_their_kind(dtype: type) -> None:
    top = np.iinfo(dtype).max
    image = np.random.default_rng(0).integers(0, top, (24, 20, 1), dtype, endpoint=True)
    (band,) = resize_bands([image], (24, 20), (12, 15))
    expected = resized(image.astype(np.float64), (12, 15)).clip(0, top)
    assert band.dtype == dtype and abs(band.astype(np.float64) - expected).max() < 0.51


@pytest.mark.parametrize("target", [(200, 20), (100, 10)])
def test_only_a_few_rows_are_held(target: tuple[int, int]) -> None:
    """After every band all rows of the result have come that can, but for those that look beyond it."""
    came = 0

    def bands() -> Iterator[np.ndarray]:
        for row in range(400):
            assert came >= (row - 12) * target[0] / 400
            yield np.zeros((1, 40, 1), np.float32)

    for band in resize_bands(bands(), (400, 40), target):
        came += len(band)
    assert came == target[0]
