import math

import numpy as np
import pytest
import torch

from fasrgan_hub.errors import UserError
from fasrgan_hub.metrics import named, perceptual_index
from fasrgan_hub.metrics.distortion import lr_psnr
from fasrgan_hub.metrics.named import METRICS, Meter, MetricOptions, metric_names


def noise(seed: int, shape=(96, 192, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def meter(*names: str, **settings) -> Meter:
    try:
        return Meter(names, MetricOptions(**settings))
    except UserError as error:
        pytest.skip(f"the weights cannot be had here: {error}")


def test_parts_are_measured_once_and_combined(monkeypatch):
    calls = []
    monkeypatch.setitem(
        METRICS, "ma", named.Metric("Ma", 4, True, lambda s: lambda a, b: calls.append("ma") or 8.0)
    )
    monkeypatch.setitem(
        METRICS, "niqe", named.Metric("NIQE", 4, False, lambda s: lambda a, b: calls.append("n") or 3)
    )
    scores = Meter(["pi", "ma", "niqe", "psnr"], MetricOptions())(noise(0), noise(1))
    assert list(scores) == ["pi", "ma", "niqe", "psnr"]
    assert scores["pi"] == 0.5 * ((10 - 8.0) + 3) and sorted(calls) == ["ma", "n"]


def test_lr_psnr_needs_the_lr_image():
    sr, lr = noise(0), noise(1, (24, 48, 3))
    scores = Meter(["lr-psnr", "psnr"], MetricOptions(luma=False))(sr[4:], sr[4:], (sr, lr))
    assert scores == {"lr-psnr": lr_psnr(sr, lr, luma=False), "psnr": math.inf}
    with pytest.raises(UserError, match="lr-psnr compares a result with its LR image"):
        Meter(["lr-psnr"], MetricOptions())(sr, sr)


def test_names_are_read_and_mistakes_said():
    assert metric_names(" PSNR,lpips,psnr") == metric_names(["psnr", "LPIPS"]) == ["psnr", "lpips"]
    for given, words in [
        ("fid", "no metric 'fid'; there are psnr, ssim"),
        ([], "at least one"),
        ("", "no metric ''"),
    ]:
        with pytest.raises(UserError, match=words):
            metric_names(given)
    assert METRICS["psnr"].higher and METRICS["ssim"].higher and not METRICS["lpips"].higher


@pytest.mark.parametrize(
    "name", ["lpips", "lpips-0.1", "lpips-vgg", "lpips-vgg-0.0", "dists", "ssim", "psnr", "rmse"]
)
def test_every_metric_agrees_about_better_and_worse(name):
    """A little noise is better than much, and equal images are best, in the direction that the table says."""
    hr = np.kron(noise(0, (8, 10, 3)), np.ones((8, 8, 1), np.uint8))
    rng = np.random.default_rng(1)
    disturbed = [np.clip(hr + rng.normal(0, s, hr.shape), 0, 255).astype(np.uint8) for s in (0, 5, 40)]
    measure = meter(name)
    best, good, bad = (measure(sr, hr)[name] * (1 if METRICS[name].higher else -1) for sr in disturbed)
    assert best > good > bad
    assert METRICS[name].higher or best == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", ["lpips", "lpips-vgg", "dists"])
def test_small_images_and_wrong_devices_are_said(name):
    measure = meter(name)
    with pytest.raises(UserError, match="8x8"):
        measure(noise(0, (8, 8, 3)), noise(1, (8, 8, 3)))
    with pytest.raises(UserError, match="device 'nonsense'"):
        Meter([name], MetricOptions(device="nonsense"))


@pytest.mark.parametrize("name", ["lpips", "ssim", "niqe"])
def test_hostile_images(name):
    """Sizes that differ and floats are refused; gray is replicated; 16 bits are rounded; NaN has no way in."""
    measure = meter(name)
    gray = noise(0, (96, 192))
    hr = noise(1)
    rgb = np.dstack([gray] * 3)
    expected = measure(rgb, hr)[name]
    assert measure(gray, hr)[name] == measure(gray[..., None], hr)[name] == expected
    assert measure(gray.astype(np.uint16) * 257, hr)[name] == expected
    assert measure(np.dstack([rgb, gray]), hr)[name] == expected  # alpha is left out
    assert measure(rgb[::-1, ::-1][::-1, ::-1], hr)[name] == expected  # negative strides
    with pytest.raises(UserError, match="float64"):
        measure(np.full(hr.shape, np.nan), hr)
    if name != "niqe":
        with pytest.raises(UserError, match="differ in size: 192x95 against 192x96"):
            measure(rgb[1:], hr)


@pytest.mark.parametrize(
    ("sr", "hr", "expected"),
    [
        (noise(0), noise(1), 0.1683911),
        (noise(0, (45, 51, 3)) // 9 + 99, noise(0, (45, 51, 3)) // 8 + 90, 0.0273203),
    ],
)
def test_dists_is_the_authors(sr, hr, expected):
    """Expected: `DISTS` of dists-pytorch 0.1 with torchvision's VGG16; its float32 cancels to 1e-5 or so."""
    assert meter("dists")(sr, hr)["dists"] == pytest.approx(expected, abs=1e-5)


def test_dists_is_that_of_its_formula_for_flat_images():
    """No structure, so that only the means of the colors and the trunk's answer to them count: 0 for equal ones."""
    score = meter("dists").measures["dists"]
    flat = np.full((32, 32, 3), 100, np.uint8)
    assert score(flat, flat) == pytest.approx(0, abs=1e-6)
    assert 0 < score(flat, flat + 20) < score(flat, flat + 120) < 1


@pytest.mark.parametrize(("name", "similarity"), [("lpips", 0.95), ("dists", 0.85)])
def test_metrics_are_losses_under_autocast(name, similarity):
    """Near the exact distances, small ones too, with gradients of nearly the same direction."""
    network = meter(name).measures[name].__self__
    torch.manual_seed(0)
    hr = torch.nn.functional.interpolate(torch.rand(2, 3, 8, 8), scale_factor=8, mode="bicubic").clamp(0, 1)
    for noise_level in (0.1, 0.01):
        sr = (hr + noise_level * torch.randn_like(hr)).requires_grad_()
        exact = network(sr, hr)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = network(sr, hr)
        assert rounded.dtype == torch.float32
        torch.testing.assert_close(rounded, exact, rtol=0.05, atol=1e-4)
        gradients = [torch.autograd.grad(distance.sum(), sr)[0].flatten() for distance in (exact, rounded)]
        assert torch.cosine_similarity(*gradients, dim=0) > similarity


def test_without_pyiqa_it_is_said(monkeypatch):
    monkeypatch.setattr(perceptual_index, "find_spec", lambda name: None)
    for name in ("ma", "pi"):
        with pytest.raises(UserError, match=r"pip install 'fasrgan-hub\[pi\]'"):
            Meter([name], MetricOptions())


def test_ma_goes_through_pyiqa(monkeypatch):
    """A stand-in for pyiqa: what it is asked for, what it is shown, and what becomes of its trouble."""
    import sys
    from types import ModuleType

    asked = []

    def create_metric(name, device, color_space):
        asked.append((name, str(device), color_space))
        return lambda x: (x.shape == (1, 3, 96, 192)) * x.max() * 4

    stand_in = ModuleType("pyiqa")
    stand_in.create_metric = create_metric
    monkeypatch.setitem(sys.modules, "pyiqa", stand_in)
    monkeypatch.setattr(perceptual_index, "find_spec", lambda name: stand_in)
    scores = Meter(["ma", "pi", "niqe"], MetricOptions())(noise(0), noise(1))
    assert asked == [("nrqm", "cpu", "ycbcr")] and scores["ma"] == 4
    assert scores["pi"] == ((10 - 4) + scores["niqe"]) / 2 and math.isfinite(scores["pi"])
    stand_in.create_metric = lambda *_, **__: 1 / 0
    with pytest.raises(UserError, match="pyiqa cannot make"):
        Meter(["ma"], MetricOptions())
    assert "pyiqa cannot make" in perceptual_index.why_no_ma()
