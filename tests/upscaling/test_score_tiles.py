"""Maps of discriminators with aligned upsampling: tiles give the map of the whole image, without a lattice."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from conftest import photo

from fasrgan_hub import ScoreMapPredictor, UNetDiscriminator, Upscaler
from fasrgan_hub.models.discriminators import REACH
from fasrgan_hub.systems import FASRGAN, FAFsSRGAN
from fasrgan_hub.upscaling import score_tiles

ENGINES = [name for name, package in (("openvino",) * 2, ("onnx", "onnxruntime")) if find_spec(package)]


def discriminator(upsample="aligned", **options):
    """A random one whose map is not nearly constant."""
    torch.manual_seed(3)
    sizes = {"width": 4, "crop": 0, "hidden": 8, "norm": "none", "upsample": upsample}
    network = UNetDiscriminator(**sizes | options).eval()
    with torch.no_grad():
        network.map_head.weight.mul_(8)
    return network


def bundled():
    """The bundled discriminator's weights with aligned upsampling."""
    start = UNetDiscriminator.from_pretrained("fasrgan-lite-x4", subfolder="discriminator")
    network = UNetDiscriminator(
        **{key: value for key, value in start.config.items() if key[0] != "_"} | {"upsample": "aligned"}
    )
    network.load_state_dict(start.state_dict())
    return network.eval()


@torch.inference_mode()
def whole_map(network, image):
    x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None] / 255
    return network(x).map.sigmoid().mean(dim=1)[0].numpy()


@pytest.mark.parametrize("make", [discriminator, bundled])
@pytest.mark.parametrize("size", [(300, 413), (8, 9), (261, 40)])
def test_tiles_give_the_map_of_the_whole_image(make, size, monkeypatch):
    monkeypatch.setattr(score_tiles, "TILE", 64)
    network, image, tiles = make(), photo(*size), []
    predictor = ScoreMapPredictor(network)
    scores = predictor(image, lambda done, total: tiles.append(total))
    expected = whole_map(network, image)
    assert scores.values.shape == size and scores.values.dtype == np.float32 and predictor.window is None
    assert np.abs(scores.values - expected).max() < 1e-3
    assert scores.score == pytest.approx(expected.mean(), abs=1e-4)
    assert (len(tiles) > 4) == (size == (300, 413)) and expected.std() > 1e-3


def test_tiles_that_overlap_by_less_than_the_reach_show(monkeypatch):
    image, network = photo(200, 300), bundled()
    monkeypatch.setattr(score_tiles, "TILE", 64)
    monkeypatch.setattr(UNetDiscriminator, "reach", REACH // 2)
    assert np.abs(ScoreMapPredictor(network)(image).values - whole_map(network, image)).max() > 1e-3


def peaks(values):
    """The largest amplitudes along both axes at periods of 4, 8 and 12 pixels, in the unit of the map."""
    lines = [values.mean(axis=axis) for axis in (0, 1)]
    return max(
        2 * abs(np.mean(line * np.exp(2j * np.pi * np.arange(len(line)) / period)))
        for line in lines
        for period in (4, 8, 12)
    )


def test_the_map_of_flat_gray_has_no_lattice():
    """The mean over the levels of gray; by windows, the borders of the windows are a lattice of half a window."""
    amplitude = {}
    for upsample in ("aligned", "paper"):
        predictor = ScoreMapPredictor(discriminator(upsample))
        maps = [predictor(np.full((312, 312, 3), level, np.uint8)).values for level in (16, 128, 240)]
        amplitude[upsample] = peaks(np.mean(maps, axis=0)[60:252, 60:252])
    assert amplitude["aligned"] < 1e-5
    assert amplitude["paper"] > 1e-4


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [(50, 71), (1, 3)])
def test_other_engines_compute_the_same_map(engine, size, tmp_path):
    FASRGAN(blocks=1, features=4, growth=2).save_pretrained(tmp_path)
    discriminator().save_pretrained(tmp_path / "discriminator")
    image = photo(*size)
    expected = ScoreMapPredictor(tmp_path, engine="torch", precision="f32")(image)
    scores = ScoreMapPredictor(tmp_path, engine=engine, precision="f32")(image)
    assert np.abs(scores.values - expected.values).max() < 1e-4
    assert scores.logit == pytest.approx(expected.logit, abs=1e-4)


def test_a_shared_extractor_adds_to_the_reach_and_to_the_key(tmp_path, monkeypatch):
    monkeypatch.setattr(score_tiles, "TILE", 64)
    torch.manual_seed(5)
    generator = FAFsSRGAN(blocks=1, features=4, growth=2, shared_blocks=1).eval()
    generator.save_pretrained(tmp_path)
    network = discriminator(in_channels=4)
    network.save_pretrained(tmp_path / "discriminator")
    image = photo(120, 300)
    expected = whole_map(torch.nn.Sequential(generator.extractor, network), image)
    values = Upscaler(tmp_path, engine="torch", precision="f32").score_map(image).values
    assert np.abs(values - expected).max() < 1e-4
    if "openvino" in ENGINES:
        before = ScoreMapPredictor(tmp_path, engine="openvino", precision="f32")(image).values
        assert np.abs(before - expected).max() < 1e-4
        with torch.no_grad():
            generator.extractor.conv_first.weight.mul_(-3)
        generator.save_pretrained(tmp_path)
        after = ScoreMapPredictor(tmp_path, engine="openvino", precision="f32")(image).values
        assert np.abs(after - before).max() > 1e-3
