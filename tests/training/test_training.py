"""Both stages for real, on tiny networks: resume is exact, losses fall, folders are complete."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate.state import AcceleratorState
from small import config, flat, fresh_accelerate, merged, options, tiny_features, words  # noqa: F401
from test_processes import HAAR, make_stage, metric_terms

import fasrgan_hub
from fasrgan_hub.errors import UserError
from fasrgan_hub.training.checkpoints import load_latest
from fasrgan_hub.training.command_line import load_config, parse
from fasrgan_hub.training.config_groups import BenchmarkFolders
from fasrgan_hub.training.loop import train
from fasrgan_hub.training.nested import override
from fasrgan_hub.training.recipes import default_config, make_config

SCRIPT = Path(__file__).parents[2] / "scripts" / "train.py"


@pytest.mark.usefixtures("tiny_features")
@pytest.mark.parametrize("stage", ["psnr", pytest.param("gan", marks=pytest.mark.slow)])
@pytest.mark.parametrize("system", ["fasrgan-lite", "fs-srgan-lite"])
def test_2_and_2_steps_equal_4(photos, tmp_path, system, stage):
    """Bit for bit: generator, discriminator, average and both optimizers, with the learning rate falling."""
    parts_equal_whole(photos, tmp_path, system, stage)


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_features")
def test_2_and_2_steps_equal_4_with_metric_terms(photos, tmp_path):
    parts_equal_whole(photos, tmp_path, discriminator=HAAR | {"norm": "batch"}, **metric_terms())


def parts_equal_whole(photos, tmp_path, system="fasrgan-lite", stage="gan", **more):
    same = merged({"precision": "bf16", "optimizer": {"cosine_steps": 8}}, more)
    train(config(photos, tmp_path / "whole", system, stage, **same))
    train(config(photos, tmp_path / "parts", system, stage, **same, steps=2))
    train(override(load_config(tmp_path / "parts"), {"steps": 4}), resume=True)
    whole, parts = (
        dict(flat(load_latest(tmp_path / run / "checkpoints")["stage"])) for run in ("whole", "parts")
    )
    assert whole.keys() == parts.keys()
    networks = {key.split(".")[0] for key in whole}
    assert {"generator", "average_generator", "optimizer_generator"} <= networks
    assert ("discriminator" in networks) == ("optimizer_discriminator" in networks) == (stage == "gan")
    for key, value in whole.items():
        equal = torch.equal(value, parts[key]) if isinstance(value, torch.Tensor) else value == parts[key]
        assert equal, key


@pytest.mark.usefixtures("tiny_features")
@pytest.mark.parametrize("system", [name for name in fasrgan_hub.SYSTEMS if name.endswith("-lite")])
def test_every_system_trains_in_both_stages_from_its_l1_weights(photos, tmp_path, system):
    l1 = train(config(photos, tmp_path / "psnr", system, "psnr", steps=2))
    model = train(config(photos, tmp_path / "gan", system, start={"init": str(l1)}, steps=2))
    generator = fasrgan_hub.from_pretrained(model)
    x = torch.rand(1, 3, 8, 8)
    assert generator(x).shape == (1, 3, 32, 32)
    assert not torch.equal(generator(x), fasrgan_hub.from_pretrained(l1)(x))
    assert (model / "discriminator" / "config.json").is_file()


def test_l1_training_learns(photos, tmp_path):
    fast = {"ema": 0.0, "warmup": 0, "lr": 2e-3}
    train(config(photos, tmp_path, stage="psnr", steps=60, logging={"every": 10}, optimizer=fast))
    losses = [json.loads(line)["losses"]["content"] for line in (tmp_path / "log.jsonl").open()]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.usefixtures("tiny_features")
def test_the_shared_extractor_is_moved_by_both_optimizers(photos, tmp_path):
    """With one learning rate at 0 at a time, E still moves; without sharing G does not move in D's step."""
    for silent in ("generator", "discriminator"):
        stage = make_stage(config(photos, tmp_path, "fs-srgan-lite", optimizer={"ema": 0.0}))
        for group in stage.optimizers[silent].param_groups:
            group["lr"] = 0.0
        before = {key: value.clone() for key, value in stage.generator.state_dict().items()}
        stage.step(torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32))
        moved = {key for key, value in stage.generator.state_dict().items() if not value.equal(before[key])}
        assert "extractor.conv_first.weight" in moved
        assert ("conv_last.weight" in moved) == (silent == "discriminator")


@pytest.mark.usefixtures("tiny_features")
def test_the_generators_step_leaves_the_discriminator_alone(photos, tmp_path):
    """With `d_every` the first step is the generator's alone."""
    stage = make_stage(config(photos, tmp_path, optimizer={"d_every": 2}))
    before = [parameter.clone() for parameter in stage.discriminator.parameters()]
    stage.step(torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32))
    assert all(map(torch.equal, before, stage.discriminator.parameters()))
    assert all(parameter.grad is None for parameter in stage.discriminator.parameters())


@pytest.mark.usefixtures("tiny_features")
def test_at_first_the_discriminator_alone_is_trained(photos, tmp_path):
    """The generator keeps its weights and running statistics for `d_init_steps`."""
    optimizer = {"d_init_steps": 1, "d_every": 2, "ema": 0.0, "r1": 0.0}
    stage = make_stage(config(photos, tmp_path, "srgan-lite", optimizer=optimizer))

    def weights():
        networks = (stage.generator, stage.discriminator)
        return [torch.cat([x.flatten() for x in network.state_dict().values()]) for network in networks]

    history, reports = [weights()], []
    for _ in range(2):
        reports.append(stage.step(torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32)))
        history.append(weights())
    (generator, discriminator), (same, moved), (other, _) = history
    assert same.equal(generator) and not moved.equal(discriminator) and not other.equal(generator)
    assert "content" not in reports[0] and "d_image" in reports[0]
    assert "content" in reports[1]


@pytest.mark.usefixtures("tiny_features")
@pytest.mark.parametrize("norm", ["none", "batch", "spectral"])
def test_both_networks_are_averaged(photos, tmp_path, norm):
    optimizer = {"ema": 0.75, "r1": 0.0}
    stage = make_stage(config(photos, tmp_path, optimizer=optimizer, discriminator={"norm": norm}))
    history = []
    for _ in range(3):
        stage.step(torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32))
        history.append(
            [p.detach().clone() for n in (stage.generator, stage.discriminator) for p in n.parameters()]
        )
    kept = [p for n in (stage.result, stage.result_discriminator) for p in n.parameters()]
    for average, first, second, third in zip(kept, *history, strict=True):
        torch.testing.assert_close(average, 0.75 * (0.75 * first + 0.25 * second) + 0.25 * third)
    for average, live in zip(
        stage.result_discriminator.buffers(), stage.discriminator.buffers(), strict=True
    ):
        assert average.equal(live)


def test_bf16_gradients_agree_with_f32(photos, tmp_path):
    """torch.compile under bf16 autocast loses the early layers' gradients on the CPU; eager must not."""
    gradients = {}
    lr, hr = torch.rand(4, 3, 8, 8), torch.rand(4, 3, 32, 32)
    for precision in ("no", "bf16"):
        generator_alone = {"d_every": 2}
        settings = config(
            photos, tmp_path, "fa-fs-srgan-lite", precision=precision, optimizer=generator_alone
        )
        stage = make_stage(settings)
        stage.step(lr, hr)
        gradients[precision] = torch.cat([p.grad.flatten() for p in stage.generator.parameters()])
        AcceleratorState._reset_state(reset_partial_state=True)
    error = (gradients["bf16"] - gradients["no"]).norm() / gradients["no"].norm()
    assert 0 < error < 0.1


@pytest.mark.slow
def test_the_real_script_under_accelerate_launch(photos, tmp_path):
    validation = {"benchmarks": {"Six": {"hr": photos}}, "every": 2}
    arguments = options(photos, tmp_path / "run", validation=validation, checkpoints={"every": 2})
    command = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "1",
        str(SCRIPT),
    ]
    command += words(arguments)
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    run = tmp_path / "run"
    again = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "already holds a run" in again.stderr
    assert (run / "model" / "model.safetensors").is_file()
    assert (run / "samples" / "step-00000004.png").is_file()
    entries = [json.loads(line) for line in (run / "log.jsonl").open()]
    scores = [entry["scores"] for entry in entries if "scores" in entry]
    assert len(scores) == 2
    assert all(5 < score["Six psnr"] < 60 for score in scores)
    expected = {
        "content",
        "color",
        "texture",
        "grid",
        "perceptual",
        "entire",
        "fine",
        "attention",
        "d_image",
        "d_map",
        "d_r1",
        "d_margin",
    }
    assert next(set(entry["losses"]) for entry in entries if "losses" in entry) == expected


def test_a_resumed_run_keeps_what_shapes_it(photos, tmp_path):
    train(config(photos, tmp_path, stage="psnr", steps=1))
    with pytest.raises(UserError, match=r"begun with optimizer\.lr = 0\.00025"):
        parse(["--output", str(tmp_path), "--resume", "latest", "--optimizer.lr", "1e-3"])
    resumed, resume = parse(["--output", str(tmp_path), "--resume", "latest", "--steps", "9"])
    assert resume
    assert (resumed.steps, resumed.optimizer.lr, resumed.system) == (9, 2.5e-4, "fasrgan-lite")
    with pytest.raises(UserError, match="holds no run"):
        parse(["--output", str(tmp_path / "nowhere"), "--resume", "latest"])


def test_presets_are_the_papers_unless_the_row_says_otherwise():
    paper = default_config("fasrgan")
    optimizer = paper.optimizer
    assert (paper.data.batch, paper.data.crop, optimizer.lr, optimizer.halve_every) == (
        16,
        192,
        1e-4,
        200_000,
    )
    assert (optimizer.ema, paper.precision, optimizer.cosine_steps) == (0.0, "no", 0)
    lite = make_config({"system": "fasrgan-lite", "data": {"batch": 2}})
    assert (lite.data.batch, lite.data.crop, lite.optimizer.ema) == (2, 96, 0.999)


def test_wrong_choices_are_refused(photos, tmp_path):
    good = config(photos, tmp_path)
    for change, message in [
        ({"system": "x"}, "no system 'x'"),
        ({"stage": "x"}, "stage is x; it must be one of psnr, gan"),
        ({"data": {"crop": 30}}, "multiple of 4"),
        ({"data": {"batch": 0}}, "must be positive"),
        ({"losses": {"attention": float("nan")}}, "must be finite"),
        ({"optimizer": {"lr": float("nan")}}, "must be positive"),
        ({"seed": -1}, "must not be negative"),
        ({"optimizer": {"ema": 2.0}}, "below 1"),
        ({"perceptual": {"network": "vgg11"}}, "must be one of auto, vgg19"),
        ({"perceptual": {"block_weights": {6: 1.0}}}, "blocks are 1 to 5"),
        ({"optimizer": {"cosine_steps": 3}}, "before the stage does"),
        ({"validation": {"benchmarks": {"Set 5": BenchmarkFolders("x")}}}, "no space"),
    ]:
        with pytest.raises(UserError, match=message):
            override(good, change)
    for change, message in [
        ({"generator": {"depth": 3}}, "generator is"),
        ({"generator": {"init": "magic"}}, "generator is"),
        ({"discriminator": {"norm": "magic"}}, "discriminator is"),
        ({"discriminator": {"width": 4}, "data": {"crop": 36}, "system": "fasrgan"}, "discriminator is"),
        ({"validation": {"metrics": ("beauty",)}}, "no metric 'beauty'"),
        ({"validation": {"benchmarks": {"Set5": BenchmarkFolders("/no/such")}}}, r"there is no .*'/no/such'"),
        ({"output": "/dev/null/run"}, "cannot make the folder"),
    ]:
        with pytest.raises(UserError, match=message):
            train(override(good, change))


def test_a_run_without_a_checkpoint_begins_again_and_a_torn_log_does_no_harm(photos, tmp_path):
    settings = config(photos, tmp_path, stage="psnr", steps=2, logging={"every": 1})
    settings.save()
    (tmp_path / "log.jsonl").write_text('{"step": 1, "losses": {"content": 9}}\n{"step": 2, "lo')
    train(settings, resume=True)
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").open()]
    assert [entry["step"] for entry in entries] == [1, 2]
    assert entries[0]["losses"]["content"] < 9


def test_resuming_a_finished_run_restores_its_model(photos, tmp_path):
    settings = config(photos, tmp_path, stage="psnr", steps=2)
    model = train(settings)
    (model / "model.safetensors").unlink()
    train(settings, resume=True)
    assert fasrgan_hub.from_pretrained(model)(torch.rand(1, 3, 4, 4)).shape == (1, 3, 16, 16)
