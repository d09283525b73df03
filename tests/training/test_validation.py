"""Validation while training: what is scored, what the strips show, and that it leaves the run alone."""

from datetime import timedelta

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from conftest import photo
from PIL import Image
from small import config

from fasrgan_hub import from_pretrained
from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation.image_pairs import make_lr
from fasrgan_hub.training.config_groups import BenchmarkFolders, ValidationConfig
from fasrgan_hub.training.loop import train
from fasrgan_hub.training.starting import build_stage
from fasrgan_hub.training.validation import CAPTION, STRIP, draw_strips, rehearse, validate
from fasrgan_hub.upscaling.score_map import ScoreMapPredictor
from fasrgan_hub.upscaling.upscaler import Upscaler

CELL = 4 * STRIP


@pytest.fixture(autouse=True)
def fresh_accelerate():
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def stage_of(photos, tmp_path, system):
    stage = build_stage(config(photos, tmp_path, system), Accelerator())
    stage.step(torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32))
    return stage


def cells(path):
    """The columns of each row of a sheet."""
    with Image.open(path) as image:
        sheet = np.asarray(image)[CAPTION:]
    rows = sheet.reshape(-1, CELL, sheet.shape[1] // CELL, CELL, 3)
    return rows.transpose(0, 2, 1, 3, 4)


def scoring(metrics="psnr", **folders):
    """The configuration of a validation on folders by name."""
    benchmarks = {name: BenchmarkFolders(str(folder)) for name, folder in folders.items()}
    return ValidationConfig(benchmarks, tuple(metrics.split(",")))


def test_strips_show_the_true_lr_images(tmp_path):
    """MATLAB's bicubic where there is no LR folder, otherwise the images of that folder."""
    hr, (top, left) = photo(300, 284), (4 * ((75 - STRIP) // 2), 4 * ((71 - STRIP) // 2))
    Image.fromarray(hr).save(tmp_path / "a.png")
    given = 255 - make_lr(hr)
    (tmp_path / "lr").mkdir()
    Image.fromarray(given).save(tmp_path / "lr" / "a.png")
    expected = {None: make_lr(hr), tmp_path / "lr" / "a.png": given}
    for small, lr in expected.items():
        draw_strips(Upscaler("bicubic"), [(tmp_path / "a.png", small)], tmp_path / "new" / "strip.png")
        ((seen_lr, result, original),) = cells(tmp_path / "new" / "strip.png")
        patch = lr[top // 4 : top // 4 + STRIP, left // 4 : left // 4 + STRIP]
        assert np.array_equal(seen_lr[::4, ::4], patch)
        assert np.array_equal(seen_lr[3::4, 3::4], patch)
        assert np.array_equal(original, hr[top : top + CELL, left : left + CELL])
        assert np.array_equal(result, Upscaler("bicubic")(patch))


def test_an_image_smaller_than_a_strip(tmp_path):
    Image.fromarray(photo(50, 33)).save(tmp_path / "a.png")
    draw_strips(Upscaler("bicubic"), [(tmp_path / "a.png", None)], tmp_path / "strip.png")
    ((_, result, original),) = cells(tmp_path / "strip.png")
    assert (original[48:] == 255).all()
    assert (original[:, 32:] == 255).all()
    assert np.abs(result[:48, :32].astype(int) - original[:48, :32]).mean() < 40


@pytest.mark.parametrize("system", ["fasrgan-lite", "fa-fs-srgan-lite", "fs-srgan-lite"])
def test_the_discriminators_map_is_a_column_and_training_is_left_alone(photos, tmp_path, system):
    stage = stage_of(photos, tmp_path, system)
    networks = (stage.generator, stage.discriminator)
    before = [{key: value.clone() for key, value in network.state_dict().items()} for network in networks]
    gradients = [parameter.grad for network in networks for parameter in network.parameters()]
    predictor = ScoreMapPredictor(stage.discriminator, extractor=stage.shared)
    scores = validate(stage.result, scoring("psnr,ssim", Six=photos), tmp_path / "strip.png", predictor)
    assert set(scores) == {"Six psnr", "Six ssim"}
    for network, old in zip(networks, before, strict=True):
        assert all(torch.equal(value, old[key]) for key, value in network.state_dict().items())
        assert all(module.training for module in network.modules())
    after = [parameter.grad for network in networks for parameter in network.parameters()]
    assert all(one is other for one, other in zip(gradients, after, strict=True))
    rows = cells(tmp_path / "strip.png")
    assert rows.shape[:2] == (3, 3 if system == "fs-srgan-lite" else 4)
    if predictor.has_map:
        height, width = 72, 92
        result = rows[0, 1, :height, :width]
        assert np.array_equal(rows[0, 3, :height, :width], np.asarray(predictor(result).heat_map()))


def test_the_map_is_that_of_the_discriminator_in_eval_mode(photos, tmp_path):
    stage = stage_of(photos, tmp_path, "fa-fs-srgan-lite")
    predictor = ScoreMapPredictor(stage.discriminator, extractor=stage.shared)
    side = 96
    image = np.full((side, side, 3), 128, np.uint8)
    values = predictor(image).values
    stage.discriminator.eval()
    with torch.no_grad():
        expected = stage.score(torch.full((1, 3, side, side), 128 / 255)).map
    centre = (side // 2, side // 2)
    assert values[centre] == pytest.approx(torch.sigmoid(expected).mean(1)[0][centre].item(), abs=0.05)


def test_other_processes_wait_for_as_long_as_it_takes(photos, tmp_path, monkeypatch):
    """The process group of a run, here of one process, gives up later than any validation ends."""
    for name, value in {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 1, "MASTER_PORT": 0}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    try:
        train(config(photos, tmp_path, stage="psnr", steps=1))
        group = torch.distributed.group.WORLD
        assert group._get_backend(torch.device("cpu")).options._timeout >= timedelta(hours=1)
    finally:
        torch.distributed.destroy_process_group()


def test_a_mistake_shows_at_the_start(photos, tmp_path):
    rehearse(scoring(), 4)
    rehearse(scoring("psnr,ssim", Six=photos), 4)
    without_partners = ValidationConfig({"Six": BenchmarkFolders(str(photos), str(tmp_path))})
    for choices, message in [
        (scoring("psnr,niqe", Six=photos), "validation on Six: .*NIQE needs 192x96"),
        (scoring("beauty", Six=photos), "no metric 'beauty'"),
        (without_partners, "validation on Six: "),
        (scoring(Six=photos, No="/no/such"), "validation on No: .*/no/such"),
    ]:
        with pytest.raises(UserError, match=message):
            rehearse(choices, 4)


def test_the_one_image_that_is_too_small_is_found_among_large_ones(tmp_path):
    for name, size in {"a": (400, 400), "b": (100, 1000), "c": (190, 190), "d": (300, 210)}.items():
        Image.fromarray(photo(*size)).save(tmp_path / f"{name}.png")
    with pytest.raises(UserError, match=r"c(\.png)?: NIQE"):
        rehearse(scoring("niqe", Four=tmp_path), 4)
    (tmp_path / "c.png").unlink()
    rehearse(scoring("niqe", Three=tmp_path), 4)


@pytest.mark.slow
def test_the_four_metrics_together_and_lpips_in_both_versions(tmp_path):
    folder = tmp_path / "hr"
    folder.mkdir()
    for index in range(2):
        Image.fromarray(photo(200, 216, index)).save(folder / f"{index}.png")
    settings = scoring("psnr,ssim,lpips,niqe", Two=folder)
    rehearse(settings, 4)
    generator = from_pretrained("fasrgan-lite-bicubic-psnr-x4")
    scores = validate(generator, settings, tmp_path / "strip.png")
    assert set(scores) == {f"Two {metric}" for metric in ("psnr", "ssim", "lpips", "lpips-0.1", "niqe")}
    assert all(np.isfinite(score) for score in scores.values())
