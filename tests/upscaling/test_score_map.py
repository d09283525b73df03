"""The score map is defined for every size, has no seams, stays within its memory, and says what it cannot do."""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import photo
from PIL import Image
from torch import nn

from fasrgan_hub import ScoreMapPredictor, Upscaler
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.apps.cli.score_map import _plan_targets
from fasrgan_hub.errors import UserError
from fasrgan_hub.hub.model_files import BUNDLED
from fasrgan_hub.models.discriminators import Scores, UNetDiscriminator, VGGDiscriminator
from fasrgan_hub.systems import FASRGAN, FAFsSRGAN
from fasrgan_hub.upscaling import score_map_rendering
from fasrgan_hub.upscaling.score_windows import BATCH, WINDOW, predict_by_windows

OVERLAP = WINDOW // 2
STEP = WINDOW - OVERLAP


class Stand(nn.Module):
    """Answers every window with one value for all its pixels, and remembers what it was shown."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.shapes = []

    def forward(self, x):
        self.shapes.append(tuple(x.shape))
        value = torch.tensor([self.answer(window) for window in x], dtype=torch.float32)
        return Scores(value[:, None], value[:, None, None, None].expand(x.shape))


def predictor_of(answer):
    predictor = ScoreMapPredictor()
    predictor.stand = Stand(answer)
    predictor._predict = partial(predict_by_windows, predictor.stand, WINDOW, torch.device("cpu"))
    return predictor


def saved(tmp_path, generator, discriminator):
    torch.manual_seed(1)
    generator.save_pretrained(tmp_path)
    discriminator.save_pretrained(tmp_path / "discriminator")
    return tmp_path


@pytest.fixture(scope="module")
def windowed(tmp_path_factory):
    """A bundled model with the paper's upsampling in its discriminator, which therefore is shown windows."""
    folder = tmp_path_factory.mktemp("windowed") / "model"
    shutil.copytree(BUNDLED / "fasrgan-lite-bicubic-x4", folder)
    config = folder / "discriminator" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"upsample": "paper"}))
    return folder


@pytest.fixture(scope="module")
def predictor(windowed):
    return ScoreMapPredictor(windowed)


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (7, 5), (64, 65), (96, 97), (129, 31)])
def test_the_weights_of_the_windows_sum_to_one_at_every_size(size):
    scores = predictor_of(lambda window: 1.5)(np.zeros((*size, 3), np.uint8))
    assert scores.values.shape == size and scores.values.dtype == np.float32
    assert np.abs(scores.values - 1 / (1 + np.exp(-1.5))).max() < 1e-5
    assert scores.logit == pytest.approx(1.5, abs=1e-5)
    assert scores.score == pytest.approx(float(scores.values.mean()), abs=1e-6)


def test_windows_that_disagree_completely_blend_without_a_step():
    sign = iter([-30.0, 30.0, 30.0, -30.0, 30.0] * 100)
    values = predictor_of(lambda window: next(sign))(np.zeros((200, 300, 3), np.uint8)).values
    assert values.min() < 0.01 and values.max() > 0.99, "the windows do disagree"
    steepest = np.pi / 2 / OVERLAP
    for axis in (0, 1):
        assert np.abs(np.diff(values, axis=axis)).max() < 1.05 * steepest


def test_the_real_map_is_no_rougher_where_windows_meet(predictor):
    values = predictor(photo(90, 250)).values
    step = np.abs(np.diff(values, axis=1)).mean(axis=0)
    meets = np.zeros(len(step), bool)
    for start in range(-OVERLAP, 250, STEP):
        for edge in (start, start + OVERLAP, start + STEP, start + WINDOW):
            meets[max(0, edge - 1) : max(0, edge + 1)] = True
    assert step[meets].mean() < 1.5 * step[~meets].mean()


@torch.inference_mode()
def test_the_map_is_the_blend_of_what_the_discriminator_says_of_four_windows(windowed, predictor):
    image = photo(160, 170)
    model = UNetDiscriminator.from_pretrained(windowed, subfolder="discriminator")
    rising = np.sin(np.pi / 2 * (np.arange(OVERLAP) + 0.5) / OVERLAP) ** 2
    expected = np.zeros((OVERLAP, OVERLAP))
    for top, down in ((0, rising[::-1]), (STEP, rising)):
        for left, right in ((0, rising[::-1]), (STEP, rising)):
            window = torch.from_numpy(image[top : top + WINDOW, left : left + WINDOW].copy())
            said = model(window.permute(2, 0, 1)[None] / 255).map.sigmoid().mean(dim=1)[0].numpy()
            expected += np.outer(down, right) * said[STEP - top :, STEP - left :][:OVERLAP, :OVERLAP]
    inner = slice(STEP, STEP + OVERLAP)
    assert np.abs(predictor(image).values[inner, inner] - expected).max() < 1e-4


def test_moving_the_image_by_a_step_moves_the_map(predictor):
    image = photo(40, 250)
    moved = predictor(image[:, STEP:]).values
    whole = predictor(image).values[:, STEP:]
    assert np.abs(moved - whole)[:, STEP:-WINDOW].max() < 1e-4


def test_only_a_few_windows_are_in_memory_and_progress_counts_them():
    predictor = predictor_of(lambda window: 0.0)
    calls = []
    predictor(np.zeros((100, 2000, 3), np.uint8), lambda done, total: calls.append((done, total)))
    assert {shape[1:] for shape in predictor.stand.shapes} == {(3, WINDOW, WINDOW)}
    assert max(shape[0] for shape in predictor.stand.shapes) == BATCH
    assert calls == sorted(calls) and calls[-1][0] == calls[-1][1] == sum(
        s[0] for s in predictor.stand.shapes
    )


def test_every_kind_of_image_has_the_same_map(predictor, tmp_path):
    rgb = photo(20, 30)
    expected = predictor(rgb).values
    Image.fromarray(rgb).save(tmp_path / "a.png")
    alpha = np.dstack((rgb, np.full((20, 30), 7, np.uint8)))
    for same in (tmp_path / "a.png", Image.fromarray(rgb), alpha, rgb.astype(np.uint16) * 257, rgb / 255):
        assert np.abs(predictor(same).values - expected).max() < 1e-5
    gray = rgb[:, :, 0]
    assert np.array_equal(predictor(gray).values, predictor(np.repeat(gray[:, :, None], 3, axis=2)).values)
    for wrong in (
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((4, 4, 3), np.int64),
    ):
        with pytest.raises(UserError):
            predictor(wrong)


def test_the_upscaler_scores_with_its_own_discriminator(windowed, predictor):
    image = photo(30, 30)
    upscaler = Upscaler(windowed, engine="torch")
    assert np.array_equal(upscaler.score_map(image).values, predictor(image).values)
    with pytest.raises(UserError, match="module"):
        Upscaler(FASRGAN(blocks=1, features=4, growth=2), engine="torch").score_map(image)


def test_a_discriminator_behind_a_shared_extractor_sees_its_features(tmp_path):
    generator = FAFsSRGAN(blocks=1, features=4, growth=2, shared_blocks=1)
    folder = saved(tmp_path, generator, UNetDiscriminator(in_channels=4, width=4, crop=0, hidden=4))
    image = photo(50, 40)
    before = ScoreMapPredictor(folder)(image).values
    with torch.no_grad():
        generator.extractor.conv_first.weight.mul_(-3)
    generator.save_pretrained(tmp_path)
    assert np.abs(ScoreMapPredictor(folder)(image).values - before).max() > 1e-4


def test_a_flattening_head_takes_windows_of_its_crop(tmp_path):
    discriminator = UNetDiscriminator(width=4, crop=32, hidden=4)
    predictor = ScoreMapPredictor(saved(tmp_path, FASRGAN(blocks=1, features=4, growth=2), discriminator))
    assert predictor.window == 32 and predictor(photo(45, 70)).values.shape == (45, 70)


def test_a_vgg_discriminator_has_a_logit_and_no_map(tmp_path, capsys):
    folder = saved(
        tmp_path, FASRGAN(blocks=1, features=4, growth=2), VGGDiscriminator(width=4, crop=0, hidden=4)
    )
    Image.fromarray(photo(20, 20)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match="no map"):
        ScoreMapPredictor(folder)(tmp_path / "a.png")
    assert np.isfinite(ScoreMapPredictor(folder).logit(tmp_path / "a.png"))
    command = ["score-map", str(tmp_path / "a.png"), "--model", str(folder)]
    assert main(command) == 2
    assert "no map" in capsys.readouterr().err
    assert main([*command, "--score"]) == 0
    assert "image logit" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["fasrgan-lite-psnr-x4", "no-such-model"])
def test_a_model_without_discriminator_is_one_line(name):
    with pytest.raises(UserError, match=name) as caught:
        ScoreMapPredictor(name)
    assert "\n" not in str(caught.value)


def test_colors_order_scores_by_brightness_and_the_tint_is_for_low_ones():
    values = np.linspace(0, 1, 256)[None]
    brightness = score_map_rendering.colored(values)[0] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(brightness) >= -0.5).all() and brightness[-1] - brightness[0] > 200
    gray = np.full((1, 256, 3), 128, np.uint8)
    tinted = score_map_rendering.tinted(gray, values)
    assert (tinted[:, 128:] == 128).all() and (tinted[0, 0] != 128).all()


@pytest.mark.parametrize("size", [(1, 1), (30, 400), (300, 40)])
def test_drawings_have_the_size_of_the_image_and_the_sheet_has_room(size):
    scores = predictor_of(lambda window: -1.0)(np.zeros((*size, 3), np.uint8))
    assert scores.heat_map().size == scores.overlay(np.zeros((*size, 3))).size == size[::-1]
    sheet = scores.sheet(np.zeros(size, np.uint16))
    assert sheet.width >= max(size[1], 240) and sheet.height > size[0]
    with pytest.raises(UserError, match="another size"):
        scores.overlay(np.zeros((size[0] + 1, size[1]), np.uint8))


def test_the_command_draws_counts_and_goes_on_after_a_mistake(windowed, tmp_path, capsys, predictor):
    for name in ("a", "b"):
        Image.fromarray(photo(40, 60, ord(name))).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    out, arrays = tmp_path / "out", tmp_path / "arrays"
    command = [
        "score-map",
        str(tmp_path),
        "--model",
        str(windowed),
        "-o",
        str(out),
        "--view",
        "overlay",
        "--array",
        str(arrays),
    ]
    assert main(command) == 2
    printed = capsys.readouterr()
    assert (
        "broken.png" in printed.err
        and "1 of 3 images failed" in printed.err
        and printed.out.count(": score ") == 2
    )
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "b.png"]
    assert Image.open(out / "b.png").size == (60, 40)
    assert np.array_equal(np.load(arrays / "a.npy"), predictor(tmp_path / "a.png").values)


def test_the_command_never_writes_over_an_input(tmp_path, capsys):
    Image.fromarray(photo(20, 20)).save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    assert main(["score-map", str(tmp_path / "a.png"), "-o", str(tmp_path / "a.png")]) == 2
    assert main(["score-map", str(tmp_path / "a.png"), "-o", str(tmp_path)]) == 2
    assert (tmp_path / "a.png").read_bytes() == before
    assert main(["score-map", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a_scores.png").is_file()
    assert main(["score-map", str(tmp_path / "a.png"), str(tmp_path / "a_scores.png")]) == 2
    assert "over an input" in capsys.readouterr().err.splitlines()[-1]
    assert main(["score-map", str(tmp_path / "a.png"), "-o", str(tmp_path / "a.txt")]) == 2
    assert "must end in .png" in capsys.readouterr().err


def test_what_was_drawn_of_a_folder_is_left_out_the_next_time(tmp_path, capsys):
    Image.fromarray(photo(20, 20)).save(tmp_path / "a.png")
    for _ in range(2):
        assert main(["score-map", str(tmp_path)]) == 0
        assert capsys.readouterr().out.count(": score ") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "a_scores.png"]


def test_many_images_take_no_longer_each_than_few(tmp_path, monkeypatch):
    """Every path is looked up a few times, however many there are."""
    looked_up, resolve = [], Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda path: looked_up.append(path) or resolve(path))
    sources = [tmp_path / f"{index}.png" for index in range(100)]
    assert len(_plan_targets(sources, str(tmp_path / "out"), ".png")) == 100
    assert len(looked_up) <= 4 * len(sources)
