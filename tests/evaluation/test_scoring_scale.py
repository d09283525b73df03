"""Scores at the scale of the models: LR images, borders, degradations and foreign networks follow it."""

import json

import numpy as np
import pytest
import torchvision_shim  # noqa: F401 - before spandrel
from conftest import photo
from PIL import Image

import fasrgan_hub
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.evaluation import evaluate
from fasrgan_hub.evaluation.benchmarks import open_benchmark
from fasrgan_hub.evaluation.image_pairs import make_lr
from fasrgan_hub.interop.export import export
from fasrgan_hub.metrics.distortion import psnr
from fasrgan_hub.upscaling.upscaler import Upscaler


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """A benchmark with LR folders of two scales, of which the one of scale 3 is black."""
    folder = tmp_path_factory.mktemp("Mine")
    for side in ("HR", "LR_x2", "LR_x3"):
        (folder / side).mkdir()
    for number in range(2):
        hr = photo(61, 75, number)
        Image.fromarray(hr).save(folder / "HR" / f"{number}.png")
        Image.fromarray(make_lr(hr, 2)).save(folder / "LR_x2" / f"{number}x2.png")
        Image.fromarray(np.zeros_like(make_lr(hr, 3))).save(folder / "LR_x3" / f"{number}x3.png")
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for scale in (1, 2, 3, 4):
        network = fasrgan_hub.ESRGAN(blocks=1, features=8, growth=32, scale=scale)
        network.save_pretrained(folder / f"x{scale}")
    return folder


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_a_model_is_scored_at_its_own_scale(originals, models, scale):
    report = evaluate(str(models / f"x{scale}"), hr=originals / "HR", metrics="psnr,lr-psnr")
    hr = photo(61, 75, 0)
    height, width = (side - side % scale for side in hr.shape[:2])
    sr = Upscaler(models / f"x{scale}", engine="torch", precision="f32", edges="zeros")(make_lr(hr, scale))
    expected = psnr(sr, hr[:height, :width], border=scale)
    assert report.images["0"]["psnr"] == pytest.approx(expected, abs=1e-6)


def test_the_command_follows_the_models(originals, models, tmp_path, capsys):
    line = ["evaluate", "--no-cache", "--metrics", "psnr", "--json", str(tmp_path / "scores.json")]
    on = ["--set", str(originals)]
    assert main([*line, *on, str(models / "x2"), "bicubic", "-o", str(tmp_path / "table")]) == 0
    assert "x2 super-resolution: Y, border 2" in capsys.readouterr().out
    bicubic = json.loads((tmp_path / "scores.json").read_text())[1]["metrics"]["psnr"]
    assert main([*line, *on, "bicubic", "--scale", "2"]) == 0
    assert json.loads((tmp_path / "scores.json").read_text())["metrics"]["psnr"] == bicubic > 20
    assert main([*line, *on, str(models / "x3")]) == 0, "its LR folder is that of its scale"
    assert json.loads((tmp_path / "scores.json").read_text())["metrics"]["psnr"] < 12
    capsys.readouterr()
    assert main([*line, *on, str(models / "x2"), str(models / "x4")]) == 2
    assert (
        "these enlarge by several factors; name the one to compare at with --scale" in capsys.readouterr().err
    )
    assert main([*line, *on, str(models / "x2"), str(models / "x4"), "--scale", "2", "--degrade", "web"]) == 0
    assert "Mine" in capsys.readouterr().out


def test_a_foreign_network_is_resized_at_another_scale_as_ours(originals, models, tmp_path):
    export(models / "x2", tmp_path / "x2.safetensors")
    own = evaluate(str(models / "x2"), hr=originals / "HR", metrics="psnr")
    foreign = evaluate(str(tmp_path / "x2.safetensors"), hr=originals / "HR", metrics="psnr")
    assert foreign.means["psnr"] == pytest.approx(own.means["psnr"], abs=0.01)
    own = evaluate(str(models / "x2"), hr=originals / "HR", metrics="psnr", scale=4)
    foreign = evaluate(str(tmp_path / "x2.safetensors"), hr=originals / "HR", metrics="psnr", scale=4)
    assert foreign.means["psnr"] == pytest.approx(own.means["psnr"], abs=0.01)


def test_lr_folders_are_chosen_by_scale(originals):
    for scale, names in {2: ["0x2.png", "1x2.png"], 3: ["0x3.png", "1x3.png"], 4: [None, None]}.items():
        benchmark = open_benchmark(str(originals), scale)
        assert [lr and lr.name for _, lr in benchmark.pairs] == names
    assert open_benchmark(str(originals), 4).key != open_benchmark(str(originals / "HR"), 1).key
