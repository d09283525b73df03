"""The measure of training is a fair one: the bare loop computes what the trainer computes."""

import re

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from benchmarks import main
from benchmarks.bare_loop import BareLoop
from benchmarks.peak_memory import GIB, available, peak
from benchmarks.training import photographs
from PIL import Image

from fasrgan_hub.training.recipes import make_config
from fasrgan_hub.training.starting import build_stage

TINY = {
    "generator": {"blocks": 1, "features": 8, "growth": 4},
    "discriminator": {"width": 4, "hidden": 8, "crop": 0},
    "perceptual": {"network": "vgg16"},
    "data": {"batch": 2, "crop": 32},
}


@pytest.fixture(autouse=True)
def fresh_accelerate():
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize("stage", ["psnr", "gan"])
@pytest.mark.parametrize("system", ["fa-fs-srgan-lite", "fasrgan-lite", "fs-srgan-lite"])
def test_the_bare_loop_trains_as_the_trainer_does(system, stage):
    # A learning rate of almost 0: Adam makes whole steps of gradients that are nothing but rounding.
    optimizer = {"warmup": 0, "cosine_steps": 0, "lr": 1e-12}
    config = make_config({"system": system, "stage": stage, **TINY, "optimizer": optimizer})
    torch.manual_seed(0)
    ours = build_stage(config, Accelerator(cpu=True))
    torch.manual_seed(0)
    bare = BareLoop(config, bf16=False, device=torch.device("cpu"))
    batch = {"lr": torch.rand(2, 3, 8, 8), "hr": torch.rand(2, 3, 32, 32)}
    ours.step(**batch)
    bare.step(batch)
    for name in ("generator", "discriminator") if stage == "gan" else ("generator",):
        one, other = (gradient(getattr(loop, name)) for loop in (ours, bare))
        assert other.norm() > 0
        # Where SR is HR to the last bit but one, rounding decides a sign: 0.0016 for one such pixel.
        assert (one - other).norm() < 5e-3 * other.norm(), name


def gradient(network):
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "arguments are required: COMMAND"),
        (["speed"], "there is no command 'speed'"),
        (["training", "--parts", "speed,sound"], "there is no part 'sound'"),
        (["training", "--blocks", "0"], "must be positive"),
        (["training", "--system", "x", "--parts", "speed", "--data", "folder:."], "there is no system 'x'"),
        (["training", "--parts", "speed", "--data", "folder:/no/such"], "/no/such"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(capsys, words, message):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("benchmark.py: error: ")
    assert error.count("\n") == 1
    assert message in error


@pytest.mark.slow
def test_what_is_printed(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = "training --system srgan-lite --stage psnr --parts speed --steps 1 --blocks 1 --data"
    assert main([*words.split(), f"folder:{photographs(tmp_path / 'photographs', 2)}"]) == 0
    printed = capsys.readouterr().out
    rates = [float(rate) for rate in re.findall(r"([\d.]+) steps/s", printed)]
    assert len(rates) == 3
    assert all(0 < rate < 1000 for rate in rates)
    ratio = float(re.search(r"trainer / bare loop +([\d.]+)", printed)[1])
    assert ratio == pytest.approx(rates[0] / rates[1], rel=0.05)
    assert re.search(r"waiting for data +[\d.]+%", printed)
    assert [path.name for path in tmp_path.iterdir()] == ["photographs"], "the run was temporary"


def test_the_photographs_are_as_large_as_photographs(tmp_path):
    folder = photographs(tmp_path / "new", 2)
    for path in folder.iterdir():
        with Image.open(path) as image:
            assert image.size == (2040, 1356)
        assert path.stat().st_size > 300_000


@pytest.mark.slow
def test_memory_grows_with_the_batch():
    choices = {"system": "fasrgan-lite", "stage": "psnr", **TINY}
    few, many = (peak({**choices, "data": {"batch": batch, "crop": 256}}, steps=1) for batch in (1, 17))
    one_feature_map = 8 * 256 * 256 * 4
    assert many - few > 16 * one_feature_map
    assert many < min(available(), 4 * GIB)
