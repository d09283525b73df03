"""Bicubic as MATLAB does it."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from fasrgan_hub.images.bicubic import downscale, resize


def imresize_1d(signal, scale):
    """MATLAB's documented algorithm, written out for one row: kernel, widening, mirrored border."""

    def kernel(x):
        x = abs(x)
        if x <= 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0

    n = len(signal)
    mirror = list(range(n)) + list(range(n))[::-1]
    shrink = min(scale, 1)
    result = []
    for i in range(math.ceil(n * scale)):
        center = (i + 0.5) / scale - 0.5
        reach = range(math.floor(center - 2 / shrink) - 1, math.ceil(center + 2 / shrink) + 2)
        weights = [kernel((center - j) * shrink) for j in reach]
        values = [signal[mirror[j % (2 * n)]] for j in reach]
        result.append(sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights))
    return result


@pytest.mark.parametrize("scale", [0.25, 4, 1 / 3, 3, 0.7, 1.3, 0.05])
@pytest.mark.parametrize("length", [1, 3, 8, 23])
def test_equals_the_algorithm_written_out(scale, length):
    signal = np.random.default_rng(0).random(length)
    row = resize(torch.from_numpy(signal)[None, :], scale=(1.0, scale))[0]
    assert row.tolist() == pytest.approx(imresize_1d(signal, scale), abs=1e-12)


def test_agrees_with_pillow_away_from_the_border():
    """Pillow has the same kernel and widening, another border and a = -0.5 too."""
    x = torch.rand(64, 64)
    ours = resize(x, 0.25)
    theirs = np.asarray(Image.fromarray(x.numpy()).resize((16, 16), Image.Resampling.BICUBIC))
    assert np.abs(ours.numpy() - theirs)[2:-2, 2:-2].max() < 1e-5


def test_constants_and_ramps_survive():
    assert torch.allclose(resize(torch.full((1, 3, 9, 7), 0.3), 4.0), torch.tensor(0.3))
    ramp = torch.arange(40, dtype=torch.float64)
    enlarged = resize(ramp[None], (1.0, 4.0))[0]
    assert torch.allclose(enlarged[16:-16].diff(), torch.tensor(0.25, dtype=torch.float64))


def test_batches_equal_single_images_and_dimensions_are_independent():
    x = torch.rand(2, 3, 10, 12, dtype=torch.float64)
    both = resize(x, size=(5, 30))
    assert torch.allclose(both[1, 2], resize(x[1, 2], size=(5, 30)))
    assert torch.allclose(both, resize(resize(x, size=(10, 30)), size=(5, 30)))


def test_is_differentiable():
    x = torch.rand(1, 6, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: resize(t, 0.5), x)


def test_downscale_gives_8_bit_levels():
    lr = downscale(torch.rand(3, 18, 16)) * 255
    assert lr.shape == (3, 5, 4)
    assert torch.equal(lr, lr.round())


def test_wrong_arguments_are_refused():
    x = torch.rand(1, 4, 4)
    for arguments in ({}, {"scale": 2, "size": (8, 8)}):
        with pytest.raises(ValueError, match="either"):
            resize(x, **arguments)
    with pytest.raises(ValueError, match="floating"):
        resize(torch.zeros(4, 4, dtype=torch.uint8), 2)
    with pytest.raises(ValueError, match="to 0"):
        resize(x, size=(0, 4))
