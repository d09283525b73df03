import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision_shim  # noqa: F401 - before lpips

from fasrgan_hub.backbones import feature_network
from fasrgan_hub.errors import UserError
from fasrgan_hub.images.reading import read_image
from fasrgan_hub.metrics import LPIPS
from fasrgan_hub.metrics import lpips as own


def noise(seed: int, shape=(70, 90, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def ramp(tilt: float) -> np.ndarray:
    rows, columns = np.mgrid[:80, :64]
    return np.stack([(rows * 2 + columns * tilt * k) % 256 for k in (1, 2, 3)], axis=2).astype(np.uint8)


def metric(version: str, net: str = "alex") -> LPIPS:
    try:
        return LPIPS(version, net)
    except UserError as error:
        pytest.skip(f"the weights of LPIPS cannot be had here: {error}")


def reference(version: str, net: str = "alex"):
    """`lpips.LPIPS` with the trunk of this package, since it would download its own."""
    import lpips

    model = lpips.LPIPS(net=net, version=version, pnet_rand=True, verbose=False)
    trunk = feature_network(own.TRUNKS[net])
    for number in range(1, 6):
        for position, layer in getattr(model.net, f"slice{number}").named_children():
            layer.load_state_dict(trunk[int(position)].state_dict())
    return model


PAIRS = [(noise(0), noise(1)), (ramp(1.0), ramp(1.5)), (ramp(1.0), noise(2, (80, 64, 3)))]


def distance(model, sr: np.ndarray, hr: np.ndarray) -> float:
    x, y = (torch.from_numpy(p.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1 for p in (sr, hr))
    with torch.no_grad():
        return float(model(x, y))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("net", ["alex", "vgg"])
@pytest.mark.parametrize("version", ["0.0", "0.1"])
def test_the_lpips_package_gives_the_same_numbers(version, net):
    ours, theirs = metric(version, net), reference(version, net)
    for sr, hr in PAIRS:
        expected = distance(theirs, sr, hr)
        assert ours.score(sr, hr) == pytest.approx(expected, abs=1e-6)
        assert expected > 0.01


BENCHMARKS = os.environ.get("FASRGAN_BENCHMARKS")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not BENCHMARKS, reason="FASRGAN_BENCHMARKS does not name the folder of authors-Set5")
def test_the_lpips_package_gives_the_same_numbers_on_photographs():
    ours, theirs = metric("0.0"), reference("0.0")
    folder = Path(str(BENCHMARKS)) / "authors-Set5"
    for path in sorted((folder / "FASRGAN").iterdir()):
        sr, hr = (read_image(place / path.name).pixels for place in (folder / "FASRGAN", folder / "HR"))
        hr = hr[: sr.shape[0], : sr.shape[1]]
        assert ours.score(sr, hr) == pytest.approx(distance(theirs, sr, hr), abs=1e-6)


def test_versions_differ_and_equal_images_have_no_distance():
    old, new = metric("0.0"), metric("0.1")
    assert abs(old.score(noise(0), noise(1)) - new.score(noise(0), noise(1))) > 1e-3
    assert old.score(noise(0), noise(0)) == 0


def test_tensors_are_scored_one_by_one_and_differentiably():
    lpips = metric("0.0")
    x = torch.rand(2, 3, 40, 48, requires_grad=True)
    y = torch.rand(2, 3, 40, 48)
    distances = lpips(x, y)
    assert distances.shape == (2,)
    torch.testing.assert_close(distances[1:], lpips(x[1:], y[1:]))
    distances.sum().backward()
    assert x.grad is not None and x.grad.isfinite().all() and x.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in lpips.parameters())


def test_the_smallest_image():
    lpips = metric("0.0")
    assert lpips.score(noise(0, (31, 31, 3)), noise(1, (31, 31, 3))) > 0
    with pytest.raises(UserError, match="31x31"):
        lpips.score(noise(0, (30, 31, 3)), noise(1, (30, 31, 3)))
    with pytest.raises(UserError, match="size"):
        lpips.score(noise(0), noise(1, (71, 90, 3)))


def test_unknown_versions_and_a_missing_package_are_said(monkeypatch):
    with pytest.raises(UserError, match=r"0\.0 .* or 0\.1"):
        LPIPS("0.2")
    with pytest.raises(UserError, match=r"alex .* or vgg"):
        LPIPS("0.0", "squeeze")
    monkeypatch.setattr(own, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install"):
        LPIPS("0.0")
