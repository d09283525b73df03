import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from fasrgan_hub.errors import UserError
from fasrgan_hub.metrics import psnr, rmse, ssim
from fasrgan_hub.metrics.distortion import color_shift, lr_psnr
from fasrgan_hub.metrics.pixels import luma, rgb8


def noise(seed: int, shape=(40, 52, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def smooth(seed: int) -> np.ndarray:
    """An image with structure: a gradient with some noise on it."""
    ramp = np.linspace(20, 200, 52)[None, :, None] + np.linspace(0, 40, 40)[:, None, None]
    return np.clip(ramp + np.random.default_rng(seed).normal(0, 8, (40, 52, 3)), 0, 255).astype(np.uint8)


def test_luma_is_matlabs():
    """Values of rgb2ycbcr's documentation: black 16, white 235; red, green and blue by their weights."""
    colors = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)[None]
    assert luma(colors)[0] == pytest.approx([16, 235, 81.481, 144.553, 40.966])


def test_a_constant_error_is_measured_exactly():
    hr = np.full((20, 20, 3), 100, np.uint8)
    assert rmse(hr + 5, hr, luma=False) == pytest.approx(5)
    assert psnr(hr + 5, hr, luma=False) == pytest.approx(20 * math.log10(51))
    assert rmse(hr + 5, hr) == pytest.approx(5 * 219 / 255)  # Y spans 219 of 255 levels


def test_lr_psnr_is_that_of_the_result_shrunk_again():
    """A constant error of 5 levels stays one; detail that a cell's mean does not hold costs next to nothing."""
    lr = np.full((15, 10, 3), 100, np.uint8)
    sr = lr.repeat(4, 0).repeat(4, 1)
    assert lr_psnr(sr, lr) == math.inf
    assert lr_psnr(sr + 5, lr, luma=False) == pytest.approx(20 * math.log10(51))
    sr[::2, ::2] += 20
    sr[1::2, 1::2] -= 20
    assert lr_psnr(sr, lr) > 45 > psnr(sr, lr.repeat(4, 0).repeat(4, 1)) + 15
    sr[:4], sr[-4:], sr[:, :4], sr[:, -4:] = 0, 255, 0, 255
    assert lr_psnr(sr, lr, border=12) > 45 > lr_psnr(sr, lr, border=0)
    with pytest.raises(UserError, match="a result of 40x60 is no multiple of its LR image, which is 9x15"):
        lr_psnr(sr, lr[:, :9])


def test_the_color_shift_is_that_of_the_means():
    hr = np.random.default_rng(0).integers(50, 200, (20, 20, 3), dtype=np.uint8)
    assert color_shift(hr[::-1], hr) == 0
    assert color_shift(hr - np.array([0, 3, 1], np.uint8), hr) == pytest.approx(3)


@pytest.mark.parametrize("metric", [psnr, ssim, rmse])
def test_the_border_is_not_looked_at(metric):
    hr = smooth(0)
    sr = smooth(1)
    spoilt = sr.copy()
    spoilt[:4], spoilt[-4:], spoilt[:, :4], spoilt[:, -4:] = 255, 255, 0, 0
    assert metric(spoilt, hr) == metric(sr, hr)
    assert metric(spoilt, hr, border=0) != metric(sr, hr, border=0)
    assert metric(spoilt, hr, border=3) != metric(sr, hr, border=3)


@pytest.mark.parametrize("images", [(noise(0), noise(1)), (smooth(0), smooth(1))])
def test_psnr_and_ssim_are_skimages(images):
    sr, hr = images
    settings = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    a, b = (luma(image)[4:-4, 4:-4] for image in images)
    assert ssim(sr, hr) == pytest.approx(structural_similarity(a, b, **settings), abs=1e-9)
    assert psnr(sr, hr) == pytest.approx(peak_signal_noise_ratio(b, a, data_range=255), abs=1e-9)
    color = structural_similarity(sr, hr, channel_axis=2, **settings)
    assert ssim(sr, hr, border=0, luma=False) == pytest.approx(color, abs=1e-9)
    assert psnr(sr, hr, border=0, luma=False) == pytest.approx(peak_signal_noise_ratio(hr, sr), abs=1e-9)


def test_equal_images():
    hr = noise(0)
    assert psnr(hr, hr) == math.inf
    assert ssim(hr, hr) == pytest.approx(1)
    assert rmse(hr, hr) == 0


@pytest.mark.parametrize("metric", [psnr, ssim, rmse])
@pytest.mark.parametrize(
    ("sr", "hr", "words"),
    [
        (noise(0), noise(1, (40, 51, 3)), "52x40 against 51x40"),
        (noise(0, (8, 40, 3)), noise(1, (8, 40, 3)), "too small"),
        (noise(0).astype(np.float32), noise(1), "float32"),
        (noise(0, (40, 52, 5)), noise(1), "shape"),
        (noise(0, (40,)), noise(1), "shape"),
    ],
)
def test_what_cannot_be_measured_is_said(metric, sr, hr, words):
    with pytest.raises(UserError, match=words):
        metric(sr, hr)


def test_ssim_needs_room_for_its_window():
    assert ssim(noise(0, (19, 19, 3)), noise(1, (19, 19, 3))) < 1
    with pytest.raises(UserError, match="19x19"):
        ssim(noise(0, (19, 18, 3)), noise(1, (19, 18, 3)))
    with pytest.raises(UserError, match="border"):
        ssim(noise(0), noise(1), border=-1)


def test_other_kinds_of_image_are_brought_to_8_bit_rgb():
    gray = noise(0, (5, 6))
    replicated = np.stack([gray] * 3, axis=2)
    color, alpha = noise(1, (5, 6, 3)), noise(2, (5, 6, 1))
    for image, expected in [
        (gray, replicated),
        (gray[..., None], replicated),
        (np.concatenate([gray[..., None], alpha], axis=2), replicated),
        (np.concatenate([color, alpha], axis=2), color),
        (gray.astype(np.uint16) * 257, replicated),
    ]:
        assert np.array_equal(rgb8(image), expected) and rgb8(image).dtype == np.uint8
    assert rgb8(np.array([[0, 128, 129, 65535]], np.uint16))[0, :, 0].tolist() == [0, 0, 1, 255]
