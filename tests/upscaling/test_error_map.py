"""The error map: tiles give that of the whole image, every kind of image has the same, and what is missing is said."""

from io import BytesIO

import numpy as np
import pytest
import torch
from conftest import photo
from PIL import Image

from fasrgan_hub import Upscaler
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import UserError
from fasrgan_hub.models.error_estimator import CLEAN, ErrorEstimator
from fasrgan_hub.systems import FASRGAN
from fasrgan_hub.upscaling import error_map
from fasrgan_hub.upscaling.error_map import ErrorPredictor
from fasrgan_hub.upscaling.maps import ErrorMap

F32 = {"engine": "torch", "precision": "f32"}


def estimator(scale=4, reference=""):
    """A random one whose map is far from constant."""
    torch.manual_seed(5)
    network = ErrorEstimator(scale, width=6, reference=reference).eval()
    with torch.no_grad():
        network.direct.weight.mul_(4)
    return network


@torch.inference_mode()
def whole_map(network, image, result, other=None):
    result, image, other = (
        each if each is None else torch.from_numpy(each.copy()).permute(2, 0, 1)[None] / 255
        for each in (result, image, other)
    )
    return network(result, image, None, other)[0, 0].numpy()


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(70, 93), (5, 3), (33, 130)])
def test_tiles_give_the_map_of_the_whole_image(scale, size, monkeypatch):
    monkeypatch.setattr(error_map, "TILE", 24)
    network, image, tiles = estimator(scale), photo(*size), []
    result = photo(scale * size[0], scale * size[1], 1)
    levels = ErrorPredictor(network)(image, result, lambda done, total: tiles.append((done, total)))
    expected = whole_map(network, image, result)
    assert levels.values.shape == result.shape[:2] and levels.values.dtype == np.float32
    assert np.abs(levels.values - expected).max() < 1e-3 * expected.max()
    assert expected.std() > 0.05 * expected.mean() or max(size) < 10
    assert tiles[-1][0] == tiles[-1][1] and (size != (70, 93) or scale < 3 or len(tiles) > 4)


class References:
    """Opens models that enlarge with nearest, and counts."""

    def __init__(self):
        self.opened, self.used = [], 0

    def __call__(self, name):
        self.opened.append(name)
        return self.enlarge

    def enlarge(self, image, progress=None):
        self.used += 1
        return np.repeat(np.repeat(image, 4, axis=0), 4, axis=1)


def test_the_reference_is_asked_about_clean_images_alone(monkeypatch):
    monkeypatch.setattr(error_map, "TILE", 24)
    network, references, image = estimator(reference="another"), References(), photo(60, 80)
    result, other = photo(240, 320, 1), References().enlarge(image)
    predict = ErrorPredictor(network, open_reference=references)
    network.damage[-1].bias.data.fill_(CLEAN - 5)
    for _ in range(2):
        expected = whole_map(network, image, result, other)
        assert np.abs(predict(image, result).values - expected).max() < 1e-3 * expected.max()
    assert (references.opened, references.used) == (["another"], 2)
    assert np.abs(expected - whole_map(network, image, result)).max() > 1e-2 * expected.max()
    network.damage[-1].bias.data.fill_(CLEAN + 5)
    without = ErrorPredictor(network)(image, result).values
    assert np.array_equal(predict(image, result).values, without) and references.used == 2
    network.damage[-1].bias.data.fill_(CLEAN - 5)
    jpeg = BytesIO()
    Image.fromarray(photo(60, 80)).save(jpeg, "JPEG", quality=30)
    predict(np.asarray(Image.open(jpeg)), result)
    assert references.used == 2
    gray = image[:, :, 0]
    colored = predict(np.dstack([gray] * 3), result).values
    assert np.abs(predict(gray, result).values - colored).max() < 1e-3


def test_tiles_that_overlap_by_less_than_the_reach_show(monkeypatch):
    network, image, result = estimator(), photo(60, 80), photo(240, 320, 1)
    monkeypatch.setattr(error_map, "TILE", 24)
    monkeypatch.setattr(ErrorEstimator, "reach", 1)
    difference = np.abs(ErrorPredictor(network)(image, result).values - whole_map(network, image, result))
    assert difference.max() > 1e-2


def test_every_kind_of_image_has_the_same_map():
    predict, image, result = ErrorPredictor(estimator()), photo(20, 25), photo(80, 100, 1)
    expected = predict(image, result).values
    alpha = np.dstack((image, np.full((20, 25), 9, np.uint8)))
    for same in (Image.fromarray(image), alpha, image.astype(np.uint16) * 257, image / 255):
        assert np.abs(predict(same, result).values - expected).max() < 1e-3
    assert np.abs(predict(image, result.astype(np.uint16) * 257).values - expected).max() < 1e-3
    gray = np.repeat(result[:, :, :1], 3, axis=2)
    assert np.array_equal(predict(image, result[:, :, 0]).values, predict(image, gray).values)
    with pytest.raises(UserError):
        predict(image, np.zeros((0, 4, 3), np.uint8))


def test_a_result_of_another_factor_has_a_map_of_its_size():
    predict, image, result = ErrorPredictor(estimator()), photo(20, 25), photo(80, 100, 1)
    half = np.asarray(Image.fromarray(result).resize((50, 40), Image.Resampling.BICUBIC))
    levels = predict(image, half).values
    assert levels.shape == (40, 50)
    blocks = predict(image, result).values.reshape(40, 2, 50, 2).mean(axis=(1, 3))
    assert np.corrcoef(levels.ravel(), blocks.ravel())[0, 1] > 0.8


def test_the_sentence_counts_the_pixels_that_are_likely_off():
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 30, (200, 300)).astype(np.float32)
    levels, errors = ErrorMap(values), rng.exponential(values)
    for off in (2, 10, 25):
        assert levels.share_above(off) == pytest.approx((errors > off).mean(), abs=0.005)
    share = f"{100 * (errors > 10).mean():.0f}"
    assert levels.sentence == f"about {share} % of the pixels are likely off by more than 10 levels"
    assert levels.summary == f"{values.mean():.3f} gray levels; {levels.sentence}"
    assert ErrorMap(np.zeros((2, 5), np.float32)).share_above(10) == 0
    assert np.asarray(levels.legend(300)).std() > 0 and levels.heat_map().size == (300, 200)


def test_a_model_without_estimator_says_how_to_make_one(tmp_path, capsys):
    torch.manual_seed(1)
    FASRGAN(blocks=1, features=4, growth=2).save_pretrained(tmp_path / "plain-x4")
    with pytest.raises(UserError, match=r"fasrgan train-error .*plain-x4 --data"):
        Upscaler(tmp_path / "plain-x4", **F32).maps(photo(8, 8), ["error"])
    for other in ("bicubic", FASRGAN(blocks=1, features=4, growth=2)):
        with pytest.raises(UserError, match="has no error map"):
            Upscaler(other).maps(photo(8, 8), ["error"])
    Image.fromarray(photo(8, 8)).save(tmp_path / "a.png")
    command = ["score-map", str(tmp_path / "a.png"), "--kind", "error", "--model", str(tmp_path / "plain-x4")]
    assert main(command) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_damaged_estimator_is_one_line(tmp_path):
    FASRGAN(blocks=1, features=4, growth=2).save_pretrained(tmp_path)
    ErrorEstimator(width=4).save_pretrained(tmp_path / "difficulty")
    (tmp_path / "difficulty" / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(UserError) as caught:
        ErrorPredictor(tmp_path)
    assert "\n" not in str(caught.value) and "train-error" not in str(caught.value)
