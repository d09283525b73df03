"""Maps of a result by kind: what they measure, their size, their one number, and what is missing."""

from shutil import copytree

import numpy as np
import pytest
import torch
from conftest import photo
from PIL import Image

from fasrgan_hub import ScoreMapPredictor, UNetDiscriminator, Upscaler
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import UserError
from fasrgan_hub.models.error_estimator import ErrorEstimator
from fasrgan_hub.systems import FASRGAN
from fasrgan_hub.upscaling import error_map
from fasrgan_hub.upscaling.error_map import ErrorPredictor
from fasrgan_hub.upscaling.maps import KINDS, TOP, invented


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model, its error estimator, its discriminator and its sibling, all tiny."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(4)
    for name in ("tiny-x4", "tiny-psnr-x4"):
        FASRGAN(blocks=1, features=4, growth=2).save_pretrained(folder / name)
    sizes = {"width": 4, "crop": 0, "hidden": 8, "norm": "none", "upsample": "aligned"}
    UNetDiscriminator(**sizes).save_pretrained(folder / "tiny-x4" / "discriminator")
    ErrorEstimator(width=4).save_pretrained(folder / "tiny-x4" / "difficulty")
    return folder / "tiny-x4"


F32 = {"engine": "torch", "precision": "f32"}


@pytest.mark.parametrize("options", [{}, {"scale": 3, "match_color": True}])
def test_maps_are_those_of_the_result(model, options):
    image = photo(12, 15)
    upscaler = Upscaler(model, **F32, **options)
    maps = upscaler.maps(image)
    result = upscaler(image)
    sibling = Upscaler(model.with_name("tiny-psnr-x4"), **F32, **options)(image)
    assert tuple(maps) == KINDS
    assert np.array_equal(maps["generated"].values, ScoreMapPredictor(model, **F32)(result).values)
    assert np.array_equal(maps["error"].values, ErrorPredictor(model)(image, result).values)
    difference = np.abs(result.astype(float) - sibling).mean(axis=2)
    assert np.abs(maps["invented"].values - difference).max() < 1e-3 and difference.max() > 1
    for each in maps.values():
        assert each.values.shape == result.shape[:2]
        assert each.number == pytest.approx(each.values.mean(), rel=1e-4)
        assert each.heat_map().size == each.overlay(result).size == result.shape[1::-1]
        assert each.sheet(result).height >= result.shape[0] + each.legend(200).height


@pytest.mark.parametrize("options", [{}, {"scale": 3}])
def test_the_error_map_asks_the_reference_with_the_same_engine(model, tmp_path, monkeypatch, options):
    monkeypatch.setattr(error_map, "CLEAN", np.inf)
    folder, image = copytree(model, tmp_path / "tiny-x4"), photo(12, 15)
    ErrorEstimator(width=4, reference="fasrgan-lite-bicubic-x4").save_pretrained(folder / "difficulty")
    upscaler = Upscaler(folder, **F32, **options)
    levels = upscaler.maps(image, ["error"])["error"].values
    predict = ErrorPredictor(folder, open_reference=lambda name: Upscaler(name, **F32))
    assert np.array_equal(levels, predict(image, upscaler(image)).values)
    assert not np.array_equal(levels, ErrorPredictor(folder)(image, upscaler(image)).values)
    opaque = np.dstack((image, np.full((12, 15), 255, np.uint8)))
    assert np.array_equal(upscaler.maps(opaque, ["error"])["error"].values, levels)


def test_every_kind_of_image_has_the_same_maps(model, tmp_path):
    image = photo(9, 10)
    upscaler = Upscaler(model, **F32)
    expected = upscaler.maps(image, ["invented"])["invented"].values
    Image.fromarray(image).save(tmp_path / "a.png")
    alpha = np.dstack((image, np.full((9, 10), 255, np.uint8)))
    for same in (tmp_path / "a.png", Image.fromarray(image), alpha):
        assert np.array_equal(upscaler.maps(same, ["invented"])["invented"].values, expected)
    for same in (image.astype(np.uint16) * 257, image / 255):  # results are rounded less
        assert np.abs(upscaler.maps(same, ["invented"])["invented"].values - expected).max() < 1.01


def test_what_is_invented_is_bright_and_red():
    result = np.zeros((1, 3, 3), np.uint8)
    result[0, 1], result[0, 2] = TOP // 2, 255
    each = invented(result, np.zeros_like(result))
    assert each.values.tolist() == [[0, TOP // 2, 255]]
    brightness = np.asarray(each.heat_map()).sum(axis=2)[0]
    assert (np.diff(brightness) > 0).all()
    gray = np.full((1, 3, 3), 128, np.uint8)
    redness = np.asarray(each.overlay(gray)).astype(int)[0] - 128
    assert (redness[0] == 0).all() and 0 < redness[1, 0] < redness[2, 0] and redness[2, 1] < 0
    assert np.asarray(each.legend()).std() > 0


def test_full_fidelity_invents_nothing(model):
    maps = Upscaler(model, **F32, fidelity=1).maps(photo(8, 8), ["invented"])
    assert maps["invented"].number == 0


def test_what_a_model_lacks_is_one_line(model):
    image = photo(8, 8)
    with pytest.raises(UserError, match="no map 'wrong'; there are error, generated, invented"):
        Upscaler(model, **F32).maps(image, ["wrong"])
    with pytest.raises(UserError, match="names no faithful sibling"):
        Upscaler("bicubic").maps(image, ["invented"])
    with pytest.raises(UserError, match="discriminator"):
        Upscaler(model.with_name("tiny-psnr-x4"), **F32).maps(image, ["generated"])
    network = FASRGAN(blocks=1, features=4, growth=2)
    maps = Upscaler(network, **F32, faithful=network).maps(image, ["invented"])
    assert maps["invented"].number == 0


def test_a_result_that_is_there_is_not_made_again(model):
    image = photo(8, 8)
    upscaler = Upscaler(model, **F32)
    result = upscaler.faithful(image)
    assert upscaler.maps(image, ["invented"], result)["invented"].number == 0
    with pytest.raises(UserError, match="the result is 32x31"):
        upscaler.maps(image, ["invented"], result[:31])


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_enlarges_and_draws(model, tmp_path, capsys, kind):
    Image.fromarray(photo(10, 12)).save(tmp_path / "a.png")
    command = ["score-map", str(tmp_path), "--kind", kind, "--model", str(model), "--view", "overlay"]
    for _ in range(2):  # what was drawn is left out the next time
        assert main([*command, "--array", str(tmp_path / "map.npy")]) == 0
        printed = capsys.readouterr().out
        assert printed.count(f": {kind} ") == 1 and ("gray levels" in printed) == (kind != "generated")
    assert Image.open(tmp_path / f"a_{kind}.png").size == (48, 40)
    values = Upscaler(model).maps(tmp_path / "a.png", [kind])[kind].values
    assert np.array_equal(np.load(tmp_path / "map.npy"), values)
    assert f"{values.mean(dtype=float):.3f}" in printed


def test_the_command_without_sibling_is_one_line(model, tmp_path, capsys):
    Image.fromarray(photo(8, 8)).save(tmp_path / "a.png")
    command = ["score-map", str(tmp_path / "a.png"), "--model", str(model.with_name("tiny-psnr-x4"))]
    for kind in KINDS:
        assert main([*command, "--kind", kind]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["score-map", str(tmp_path / "a.png"), "--kind", "wrong"]) == 2
