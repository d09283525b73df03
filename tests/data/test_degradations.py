"""Degradations: nothing shifts, everything is drawn from the generator, and mistakes name their field."""

import math

import numpy as np
import pytest
from conftest import photo
from PIL import features

from fasrgan_hub.data.degradations import (
    PRESETS,
    Blur,
    Codec,
    Mixture,
    Noise,
    Resize,
    codecs,
    kernels,
    read_mixture,
)
from fasrgan_hub.data.degradations.codecs import FORMATS, compress
from fasrgan_hub.data.degradations.noise import TO_CODED, TO_LINEAR, add_sensor_noise
from fasrgan_hub.data.degradations.steps import FILTERS, pick

KINDS = Blur.NAMES["kinds"]


def shift(scale, degrade, draws, side=32):
    """The mean shift of LR against HR over `draws`, in LR pixels: least squares along the image's gradient.

    The image is smooth and white noise does not bias it, as an even blur does not: both are orthogonal to a gradient.
    """
    rng = np.random.default_rng(7)
    sums = np.zeros((2, 2)), np.zeros(2)
    for _ in range(draws):
        hr = texture(side * scale, scale, rng)
        blocks = hr.reshape(side, scale, side, scale, 3).mean(axis=(1, 3))
        difference = degrade(hr, scale, rng).astype(float) - blocks
        down, right = np.gradient(blocks, axis=(0, 1))
        inner = (slice(4, -4), slice(4, -4))
        slopes = np.stack([down[inner].ravel(), right[inner].ravel()])
        sums[0][...] += slopes @ slopes.T
        sums[1][...] += slopes @ difference[inner].ravel()
    return -np.linalg.solve(*sums)


def texture(side, scale, rng):
    """(side, side, 3) uint8: waves of random directions, 6 to 20 LR pixels long."""
    rows, columns = np.mgrid[:side, :side] / scale
    image = np.zeros((side, side, 3))
    for _ in range(8):
        angle, length, phase = rng.uniform(0, math.pi), rng.uniform(6, 20), rng.uniform(0, 2 * math.pi, 3)
        wave = 2 * math.pi * (rows * math.sin(angle) + columns * math.cos(angle)) / length
        image += np.cos(wave[..., None] + phase)
    return np.clip(128 + 20 * image, 0, 255).round().astype(np.uint8)


STEPS = {
    **{f"blur {kind}": (Blur(kinds={kind: 1}),) for kind in KINDS},
    **{f"resize {name}": (Resize(filters={name: 1}),) for name in FILTERS},
    **{f"twice {name}": (Resize(size=(0.5, 3), filters={name: 1}), Resize()) for name in FILTERS},
    **{f"noise {kind}": (Noise(kinds={kind: 1}),) for kind in Noise.NAMES["kinds"]},
    **{
        f"{form} {sampling}": (Resize(), Codec(formats={form: 1}, subsampling={sampling: 1}), Codec(shift=1))
        for form in FORMATS
        for sampling in Codec.NAMES["subsampling"]
    },
}


@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("name", STEPS)
def test_no_step_shifts_the_image(name, scale):
    degrade = Mixture.of(STEPS[name]).degrade
    assert np.abs(shift(scale, degrade, 30)).max() < 0.1


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_shifts_the_image(name, scale):
    assert np.abs(shift(scale, PRESETS[name].degrade, 60)).max() < 0.1


def test_a_shift_is_measured():
    """By one HR pixel down and two to the left at scale 4: a quarter and half of an LR pixel."""

    def move(hr, scale, rng):
        return PRESETS["clean"].degrade(np.roll(hr, (1, -2), axis=(0, 1)), scale, rng)

    # Central differences make waves a little too flat, and so a shift up to a tenth too long.
    assert shift(4, move, 10) == pytest.approx([0.25, -0.5], rel=0.1)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_the_same_generator_gives_the_same_bytes_and_another_one_others(name, scale):
    hr = photo(12 * scale, 17 * scale)
    first, again, other = (
        PRESETS[name].degrade(hr, scale, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first.shape == (12, 17, 3) and first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == (name == "clean")


def test_clean_is_matlabs_bicubic():
    import torch

    from fasrgan_hub.images.bicubic import downscale

    hr = photo(64, 48)
    lr = PRESETS["clean"].degrade(hr, 4, np.random.default_rng(0))
    x = downscale(torch.from_numpy(hr).permute(2, 0, 1).float() / 255)
    assert np.array_equal(lr, (x * 255).round().byte().permute(1, 2, 0).numpy())


def test_noise_is_strong_and_smoothed_by_nothing():
    flat = np.full((256, 256, 3), 128, np.uint8)
    steps = PRESETS["noise"].parts[0][1]
    for seed in range(8):
        change = Mixture.of(steps).degrade(flat, 4, np.random.default_rng(seed))[..., 0] - 128.0
        assert 0.8 < change.std() < 26
        assert abs((change[1:] * change[:-1]).mean()) < 0.1 * change.var()


def test_a_probability_is_how_often_a_step_happens():
    hr = np.full((8, 8, 3), 100, np.uint8)
    mixture = Mixture.of((Noise(probability=0.25),))
    rng = np.random.default_rng(0)
    noisy = sum(not np.array_equal(mixture.degrade(hr, 1, rng), hr) for _ in range(2000))
    assert noisy == pytest.approx(500, abs=60)


def test_shares_are_how_often_a_part_or_a_name_is_drawn():
    rng = np.random.default_rng(0)
    mixture = read_mixture("clean=0.3,camera=0.7")
    assert sum(not mixture.draw(rng) for _ in range(4000)) == pytest.approx(1200, abs=120)
    names = [pick({"a": 3, "b": 0, "c": 1}, rng) for _ in range(4000)]
    assert names.count("b") == 0 and names.count("a") == pytest.approx(3000, abs=120)


@pytest.mark.parametrize("kernel", [
    kernels.make_gaussian((1.7, 1.7)),
    kernels.make_gaussian((3.0, 0.6), 0.7),
    kernels.make_plateau((2.0, 1.0), 0.3, 1.5),
    kernels.make_motion(7.3, 1.1),
    kernels.make_defocus(2.6),
    kernels.make_sinc(1.2, 10),
])  # fmt: skip
def test_a_convolution_is_the_exact_sum_of_integers(kernel):
    assert kernel.sum() == kernels.ONE and np.array_equal(kernel, kernel[::-1, ::-1])
    image = photo(20, 27)
    radius = len(kernel) // 2
    padded = np.pad(image, ((radius, radius), (radius, radius), (0, 0)), "symmetric").astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape, (0, 1))
    sums = (windows * kernel).sum(axis=(-2, -1))
    expected = np.clip(np.floor(sums / kernels.ONE + 0.5), 0, 255)
    assert np.array_equal(kernels.convolve(image, kernel), expected)


def test_kernels_have_the_width_they_are_asked_for():
    for sigma in (0.8, 2.0):
        kernel = kernels.make_gaussian((sigma, sigma)) / kernels.ONE
        offsets = np.arange(len(kernel)) - len(kernel) // 2
        assert math.sqrt((kernel.sum(axis=0) * offsets**2).sum()) == pytest.approx(sigma, rel=0.03)
    line = kernels.make_motion(9, 0) / kernels.ONE
    assert (line.sum(axis=1) > 0).sum() == 1 and (line.sum(axis=0) > 0.05).sum() == pytest.approx(9, abs=1)
    sinc = kernels.make_sinc(math.pi / 2, 20) / kernels.ONE
    response = np.abs(np.fft.fft2(sinc, (128, 128)))
    assert response[0, 20] == pytest.approx(1, abs=0.1) and response[0, 50] < 0.1


def test_lengths_are_in_lr_pixels():
    """A blur on the HR image and the same on the LR image have about the same effect."""
    hr = np.zeros((64, 64, 3), np.uint8)
    hr[:, 32:] = 255
    blur = Blur(sigma=(0.9, 0.9))
    before, after = (
        Mixture.of(steps).degrade(hr, 4, np.random.default_rng(0)).astype(int)
        for steps in ((blur, Resize(filters={"box": 1})), (Resize(filters={"box": 1}), blur))
    )
    assert np.abs(before - after).max() < 12
    assert 20 < before[8, 7, 0] < 100


def test_noise_has_the_strength_it_is_asked_for():
    gray = np.full((200, 200, 3), 128, np.uint8)
    for kind, value, expected in [("gaussian", 128, 6), ("poisson", 64, 6 * math.sqrt(64 / 255))]:
        image = np.full_like(gray, value)
        noisy = Noise(kinds={kind: 1}, sigma=(6, 6), gray=0).apply(image, None, np.random.default_rng(0))
        assert noisy.astype(float).std() == pytest.approx(math.hypot(expected, 0.29), rel=0.03)
    same = Noise(gray=1).apply(gray, None, np.random.default_rng(0))
    assert np.array_equal(same[..., 0], same[..., 2]) and same.std() > 0.5
    noisy = add_sensor_noise(gray, 1000, 5, False, np.random.default_rng(0))
    light = TO_LINEAR[128]
    assert TO_LINEAR[noisy].std() == pytest.approx(math.sqrt(1000 * light + 25) / 1000, rel=0.03)


def test_linear_light_and_back_changes_nothing():
    levels = np.rint(TO_LINEAR * (len(TO_CODED) - 1)).astype(int)
    assert np.array_equal(TO_CODED[levels], np.arange(256))


def test_codecs_do_what_they_are_asked_for():
    image = texture(64, 4, np.random.default_rng(0))
    image[::2, ::2] = (255, 0, 0)

    def error(*options, **more):
        return np.abs(compress(image, *options, **more).astype(float) - image).mean()

    for form in FORMATS:
        assert error(form, 30, "4:2:0") > error(form, 90, "4:2:0")
    assert error("jpeg", 95, "4:2:0") > 2 * error("jpeg", 95, "4:4:4")
    assert not np.array_equal(
        compress(image, "jpeg", 50, "4:2:0"), compress(image, "jpeg", 50, "4:2:0", (3, 5))
    )


def test_the_grid_of_blocks_is_where_it_is_shifted_to():
    """In a smooth slope at a low quality, values jump from one block to the next and nowhere else."""
    slope = np.repeat(np.linspace(0, 255, 96)[None, :, None], 32, axis=0).repeat(3, axis=2).astype(np.uint8)
    decoded = compress(slope, "jpeg", 5, "4:4:4", (0, 3)).astype(int)
    jumps = np.abs(np.diff(decoded[16, :, 0]))
    assert {(at + 1) % 8 for at in np.flatnonzero(jumps > 10)} == {5}


def test_without_avif_webp_takes_its_place(monkeypatch):
    monkeypatch.setattr(features, "check", lambda name: False)
    codecs.has_avif.cache_clear()
    image = photo(16, 16)
    try:
        with pytest.warns(UserWarning, match="cannot write AVIF"):
            result = compress(image, "avif", 50, "4:4:4")
    finally:
        codecs.has_avif.cache_clear()
    assert np.array_equal(result, compress(image, "webp", 50, "4:4:4"))
