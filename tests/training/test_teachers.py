"""Teachers: the schedule, the results and where they are kept, and that a run with one resumes exactly."""

import json
import shutil

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from conftest import photo
from PIL import Image
from small import config, flat, fresh_accelerate, tiny_features  # noqa: F401
from torch import nn

import fasrgan_hub
from fasrgan_hub.errors import UserError
from fasrgan_hub.images.bicubic import downscale, resize
from fasrgan_hub.training.checkpoints import load_latest
from fasrgan_hub.training.command_line import parse
from fasrgan_hub.training.loop import make_loader, train
from fasrgan_hub.training.nested import override
from fasrgan_hub.training.teachers import Results, blend, open_teacher, truth_share


class Bicubic(nn.Module):
    """A teacher with a weight, so that its results can be told from those of another."""

    def __init__(self, gain=1.0):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))
        self.calls = 0

    def forward(self, lr):
        self.calls += len(lr)
        return self.gain * resize(lr, 4.0)


@pytest.fixture
def teacher(tmp_path):
    """The folder of a tiny x4 model."""
    torch.manual_seed(3)
    fasrgan_hub.FASRGAN(blocks=1, features=8, growth=4).save_pretrained(tmp_path / "teacher")
    return str(tmp_path / "teacher")


def states(run):
    return dict(flat(load_latest(run / "checkpoints")["stage"]))


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        assert torch.equal(value, other[key]) if isinstance(value, torch.Tensor) else value == other[key], key


def test_the_share_of_the_truth_rises_to_1():
    assert [truth_share(step, 1000, 0.75) for step in (0, 375, 750, 999)] == [0, 0.5, 1, 1]
    assert truth_share(999, 1000, 1.0) == 0.999


def test_input_and_target_are_blended():
    lr, hr, result = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    new_lr, new_hr = blend(lr, hr, result, 0.25, "blended")
    torch.testing.assert_close(new_hr, 0.25 * hr + 0.75 * result)
    torch.testing.assert_close(new_lr, 0.25 * lr + 0.75 * downscale(result, 4))
    same_lr, same_hr = blend(lr, hr, result, 0.25, "kept")
    assert torch.equal(same_lr, lr) and torch.equal(same_hr, new_hr)


def test_results_that_are_kept_equal_those_that_are_computed(tmp_path):
    lr = (torch.rand(3, 3, 8, 8) * 255).round() / 255
    module, accelerator = Bicubic(), Accelerator(cpu=True)
    without = Results(module, accelerator, None, "a")
    results = Results(module, accelerator, tmp_path / "kept", "a")
    first, again = results(lr), results(lr[[2, 0, 1]])
    assert torch.equal(first[[2, 0, 1]], again) and torch.equal(first, without(lr))
    assert (results.cached, results.computed, len(list((tmp_path / "kept").rglob("*.png")))) == (3, 3, 3)
    for path in (tmp_path / "kept").rglob("*.png"):
        path.write_bytes(b"damaged")
    assert torch.equal(results(lr), first)
    assert (results.cached, results.computed) == (3, 6)
    Results(module, accelerator, tmp_path / "kept", "b")(lr)
    assert len(list((tmp_path / "kept").rglob("*.png"))) == 6, "another teacher's results are others"


@pytest.mark.usefixtures("tiny_features")
@pytest.mark.parametrize(
    ("stage", "inputs", "moving"),
    [
        ("psnr", "kept", "the target goes"),
        pytest.param("gan", "blended", "input and target go", marks=pytest.mark.slow),
    ],
)
def test_a_run_with_a_teacher_resumes_bit_for_bit(photos, tmp_path, teacher, stage, inputs, moving):
    data = {"degradation": "web"}
    settings = config(
        photos,
        tmp_path / "whole",
        stage=stage,
        data=data,
        checkpoints={"every": 2},
        teacher={"model": teacher, "inputs": inputs},
    )
    train(settings)
    shutil.copytree(tmp_path / "whole", tmp_path / "parts")
    (tmp_path / "parts" / "checkpoints" / "step-00000004.pt").unlink()
    train(override(settings, {"output": str(tmp_path / "parts")}), resume=True)
    assert_equal(states(tmp_path / "whole"), states(tmp_path / "parts"))
    kept = override(
        settings, {"output": str(tmp_path / "kept"), "teacher": {"cache": str(tmp_path / "cache")}}
    )
    train(kept)
    card = (tmp_path / "kept" / "model" / "README.md").read_text()
    assert f"| teacher | {teacher}: {moving} from its results to the truth over 75 % of" in card


def test_a_second_run_finds_its_results_in_the_cache(photos, tmp_path, capsys):
    first, second = (
        config(photos, tmp_path / run, stage="psnr", teacher={"cache": str(tmp_path / "cache"), "until": 1.0})
        for run in ("first", "second")
    )
    train(first, teacher=Bicubic())
    assert "; teacher: 0 from the cache, 16 computed; the model is in" in capsys.readouterr().err
    module = Bicubic()
    train(second, teacher=module)
    assert "; teacher: 16 from the cache, 0 computed" in capsys.readouterr().err
    assert module.calls == 0
    assert_equal(states(tmp_path / "first"), states(tmp_path / "second"))
    entries = [json.loads(line) for line in (tmp_path / "second" / "log.jsonl").open()]
    assert entries[-1]["teacher"] == {"cached": 16, "computed": 0}


def test_the_teacher_is_not_asked_after_its_share_and_changes_what_is_learned(photos, tmp_path):
    class Counting(Bicubic):
        def __deepcopy__(self, memo):
            return self

    teacher = Counting(0.5)
    train(config(photos, tmp_path / "taught", stage="psnr", teacher={"until": 0.5}), teacher=teacher)
    train(config(photos, tmp_path / "plain", stage="psnr"))
    assert teacher.calls == 2 * 4
    taught, plain = (states(tmp_path / run) for run in ("taught", "plain"))
    assert not torch.equal(taught["generator.conv_last.weight"], plain["generator.conv_last.weight"])
    with pytest.raises(UserError, match="begun with another teacher, or without one"):
        train(config(photos, tmp_path / "plain", stage="psnr", steps=6), resume=True, teacher=teacher)


def test_ready_results_are_cut_where_the_originals_are(photos, tmp_path):
    """The results are the originals with red and blue exchanged, cropped to a multiple of 4, as programs do."""
    (tmp_path / "results").mkdir()
    for path in photos.iterdir():
        image = Image.open(path).convert("RGB")
        width, height = (side // 4 * 4 for side in image.size)
        pixels = np.asarray(image)[:height, :width, ::-1]
        Image.fromarray(pixels).save(tmp_path / "results" / f"{path.stem}_x4_SR.png")
    settings = config(photos, tmp_path / "run", stage="psnr", teacher={"results": str(tmp_path / "results")})
    batches = iter(make_loader(settings, Accelerator(cpu=True)))
    for _ in range(4):
        batch = next(batches)
        assert torch.equal(batch["teacher"], batch["hr"].flip(1))
    train(settings)
    (tmp_path / "results" / "3_x4_SR.png").unlink()
    with pytest.raises(UserError, match=r"'.*results' has no partner for 3\.png"):
        train(override(settings, {"output": str(tmp_path / "other")}))


def test_results_of_another_size_are_skipped_with_the_reason(tmp_path):
    for folder, side in {"hr": 64, "results": 32}.items():
        (tmp_path / folder).mkdir()
        Image.fromarray(photo(side, side)).save(tmp_path / folder / "a.png")
    settings = config(tmp_path / "hr", tmp_path / "run", teacher={"results": str(tmp_path / "results")})
    with pytest.raises(UserError, match="64x64 is not as large as 32x32, its teacher's result"):
        next(iter(make_loader(settings, Accelerator(cpu=True))))


def test_mistakes_are_one_line_that_names_the_field(photos, tmp_path, teacher):
    for change, message in [
        ({"until": 1.5}, r"teacher\.until is 1\.5; it must be above 0 and at most 1"),
        ({"until": 0.0}, r"teacher\.until is 0\.0"),
        ({"model": "a", "results": "b"}, r"teacher\.results and teacher\.model exclude each other"),
        ({"cache": "a", "results": "b"}, r"teacher\.results and teacher\.cache exclude each other"),
    ]:
        with pytest.raises(UserError, match=message):
            config(photos, tmp_path, teacher=change)
    with pytest.raises(UserError, match=r"teacher\.results belong to fixed LR images; data\.degradation web"):
        config(photos, tmp_path, teacher={"results": "b"}, data={"degradation": "web"})
    accelerator = Accelerator(cpu=True)
    with pytest.raises(UserError, match=r"teacher\.model: there is no .*'nobody'"):
        open_teacher(config(photos, tmp_path, teacher={"model": "nobody"}), accelerator)
    with pytest.raises(UserError, match=r"teacher\.model: '.*teacher' enlarges by 4, the generator by 2"):
        open_teacher(
            config(photos, tmp_path, generator={"scale": 2}, teacher={"model": teacher}), accelerator
        )
    with pytest.raises(UserError, match=r"teacher\.cache is for a teacher whose weights"):
        open_teacher(config(photos, tmp_path, teacher={"cache": "c"}), accelerator, lambda lr: lr)
    with pytest.raises(UserError, match="exclude each other"):
        open_teacher(config(photos, tmp_path, teacher={"model": teacher}), accelerator, Bicubic())
    with pytest.raises(UserError, match="the teacher made 16x16 pixels of 16x16; the generator makes 32x32"):
        train(config(photos, tmp_path / "run", stage="psnr", generator={"scale": 2}), teacher=nn.Identity())


def test_the_short_form_names_the_model(tmp_path):
    words = ["--system", "fasrgan-lite", "--data", "div2k", "--output", "run", "--teacher", "org/big-x4"]
    settings, _ = parse([*words, "--teacher.until", "0.5"])
    assert (settings.teacher.model, settings.teacher.until) == ("org/big-x4", 0.5)
