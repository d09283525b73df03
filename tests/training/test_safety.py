"""Nothing is lost: kills, damage, full disks, interruptions, results that are not finite."""

import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from small import config, flat, fresh_accelerate, options, tiny_features, words  # noqa: F401
from test_processes import make_stage
from test_training import SCRIPT

from fasrgan_hub.errors import UserError
from fasrgan_hub.training.checkpoints import load_latest, save_checkpoint
from fasrgan_hub.training.gradients import NonFiniteError
from fasrgan_hub.training.loop import set_up, train


def command(arguments, *more):
    return [sys.executable, str(SCRIPT), *words(arguments), *more]


def weights(run: Path) -> dict[str, torch.Tensor]:
    state = dict(flat(load_latest(run / "checkpoints")["stage"]))
    return {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}


@pytest.mark.slow
def test_a_run_killed_20_times_ends_with_the_same_weights(photos, tmp_path):
    """kill -9 at random moments, also while checkpoints are written: one is written after every step."""
    settings = {"steps": 400, "checkpoints": {"every": 1}, "logging": {"every": 10}, "stage": "psnr"}
    whole = options(photos, tmp_path / "whole", **settings)
    subprocess.run(command(whole), check=True, capture_output=True)
    killed = options(photos, tmp_path / "killed", **settings)
    chance = random.Random(0)
    folder, kills, progress = tmp_path / "killed" / "checkpoints", 0, [0]
    while True:
        resume = ["--resume", "latest"] if any(folder.glob("step-*.pt")) else []
        process = subprocess.Popen(
            command(killed, *resume), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if kills < 20:
            target = progress[-1] + chance.randint(1, 15)
            while process.poll() is None and not (folder / f"step-{target:08d}.pt").exists():
                time.sleep(0.001)
            time.sleep(chance.random() * 0.02)
            process.kill()
            kills += 1
        status = process.wait()
        progress.append(load_latest(folder)["step"])
        if status == 0:
            break
        assert status == -signal.SIGKILL
    assert kills == 20
    assert len(set(progress)) > 15, "the kills came at different steps"
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "killed")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert (tmp_path / "whole" / "log.jsonl").read_text().count('"losses"') == 40


@pytest.mark.parametrize("damage", ["cut off", "one bit"])
def test_a_damaged_checkpoint_is_passed_over(tmp_path, damage):
    for step in (1, 2):
        save_checkpoint(tmp_path, step, {"step": step, "x": torch.rand(1000)}, keep=5)
    newest = tmp_path / "step-00000002.pt"
    content = bytearray(newest.read_bytes())
    if damage == "one bit":
        content[len(content) // 2] ^= 1
    newest.write_bytes(content[: len(content) if damage == "one bit" else 1000])
    with pytest.warns(UserWarning, match=r"step-00000002\.pt is damaged"):
        assert load_latest(tmp_path)["step"] == 1
    (tmp_path / "step-00000001.pt").unlink()
    with pytest.raises(UserError, match="no checkpoint"), pytest.warns(UserWarning):
        load_latest(tmp_path)


def test_checkpoints_rotate(tmp_path):
    for step in range(1, 6):
        save_checkpoint(tmp_path, step, {"step": step}, keep=2)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step-00000004.pt", "step-00000005.pt"]


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path):
    """A limit on the size of files stands for the disk."""
    save_checkpoint(tmp_path, 1, {"step": 1}, keep=1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        with pytest.raises(UserError, match=r"step-00000002\.pt cannot be written .* is the disk full"):
            save_checkpoint(tmp_path, 2, {"step": 2, "x": torch.rand(100_000)}, keep=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001.pt"]
    assert load_latest(tmp_path)["step"] == 1


@pytest.mark.usefixtures("tiny_features")
def test_steps_that_are_not_finite_change_nothing_and_end_the_run(photos, tmp_path):
    stage = make_stage(config(photos, tmp_path))
    before = {
        key: value.clone() for key, value in flat(stage.state_dict()) if isinstance(value, torch.Tensor)
    }
    with pytest.raises(NonFiniteError):
        stage.step(torch.full((4, 3, 8, 8), float("nan")), torch.rand(4, 3, 32, 32))
    after = dict(flat(stage.state_dict()))
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    AcceleratorState._reset_state(reset_partial_state=True)
    with pytest.raises(UserError, match="last 3 steps were not finite"):
        train(config(photos, tmp_path / "run", stage="psnr", optimizer={"lr": 1e30, "patience": 3}, steps=50))


def test_a_gradient_that_is_not_finite_is_skipped(photos, tmp_path):
    stage = make_stage(config(photos, tmp_path, stage="psnr"))
    stage.generator.conv_last.weight.register_hook(lambda gradient: gradient * float("inf"))
    before = stage.generator.conv_last.bias.clone()
    with pytest.raises(NonFiniteError):
        stage.step(torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32))
    assert torch.equal(stage.generator.conv_last.bias, before)


@pytest.mark.usefixtures("tiny_features")
def test_a_gradient_of_the_discriminator_that_is_not_finite_is_skipped_and_counted(photos, tmp_path):
    run = set_up(config(photos, tmp_path, steps=3), Accelerator())
    factors = [float("nan"), float("inf"), 1.0]
    weight = run.stage.discriminator.image_head.linear2.weight
    weight.register_hook(lambda gradient: gradient * factors.pop(0))
    before = weight.clone()
    for _ in range(2):
        run.train_step()
        assert torch.equal(weight, before)
        assert not run.stage.optimizers["discriminator"].state
    run.train_step()
    assert not torch.equal(weight, before)
    assert run.skipped == 2
    assert (tmp_path / "log.jsonl").read_text().count('"skipped"') == 2


def test_off_a_terminal_a_run_shows_life_in_lines(photos, tmp_path, capfd):
    (tmp_path / "photos").mkdir()
    for path in photos.iterdir():
        shutil.copy(path, tmp_path / "photos")
    (tmp_path / "photos" / "broken.png").write_text("no image")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train(config(tmp_path / "photos", tmp_path / "run", stage="psnr", steps=8, logging={"every": 4}))
    lines = [line for line in capfd.readouterr().err.splitlines() if line.startswith("step ")]
    assert re.match(r"step 4/8, .*step.*, \d\d:\d\d left, content=0\.\d+", lines[0])
    assert "step 8, 0:00:" in lines[-1]
    assert "1 images could not be used" in lines[-1]


@pytest.mark.parametrize(
    "choice",
    [
        {"optimizer": {"clip": 1e-3}},
        {"optimizer": {"r1": 10.0}},
        {"optimizer": {"d_every": 2}},
        {"discriminator": {"norm": "spectral"}},
    ],
)
def test_the_stabilizers_do_what_they_say(photos, tmp_path, choice):
    stage = make_stage(config(photos, tmp_path, **choice))
    choice = choice.get("optimizer", choice)
    batch = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32)
    first, second = stage.step(*batch), stage.step(*batch)
    if "clip" in choice:
        gradients = [p.grad for p in stage.discriminator.parameters() if p.grad is not None]
        assert torch.nn.utils.get_total_norm(gradients) <= 1.001e-3
    if "r1" in choice:
        assert first["d_r1"] > 0
    if "d_every" in choice:
        rates = {name: scheduler.get_last_lr() for name, scheduler in stage.schedulers.items()}
        assert rates["generator"] == rates["discriminator"]
        assert "d_image" not in first
        assert "d_image" in second
    if "discriminator" in choice:
        conv = stage.discriminator.down[1][0]
        gain = torch.linalg.matrix_norm(conv.weight.flatten(1), ord=2)
        assert gain.item() == pytest.approx(1, rel=0.2)
