"""Every run of the paper, by name, for three steps at reduced width, through the real script."""

import subprocess
import sys

import pytest
import torch
from example_images import photograph
from small import merged, options, words
from test_training import SCRIPT

from fasrgan_hub.hub.model_files import model_files
from fasrgan_hub.systems import load_discriminator
from fasrgan_hub.training.command_line import parse
from fasrgan_hub.training.presets import BUNDLED, PRESETS
from fasrgan_hub.training.recipes import make_config
from fasrgan_hub.training.schedule import learning_rate_factor


def factor(config, step):
    return learning_rate_factor(config.optimizer, step)


def preset(name, **more):
    return make_config(merged(PRESETS[name], more))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PRESETS if "-lite" not in name and name not in BUNDLED])
def test_every_preset_trains_under_accelerate_launch(photos, tmp_path, name):
    full = preset(name)
    small = options(photos, tmp_path, full.system, full.stage, steps=3)
    small["generator"] = full.generator | small["generator"]
    small["discriminator"] = full.discriminator | {"width": 8, "hidden": 8}
    del small["system"], small["stage"]
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1"]
    subprocess.run([*launch, str(SCRIPT), f"--preset={name}", *words(small)], check=True, capture_output=True)
    assert (tmp_path / "model" / "model.safetensors").is_file()
    assert (tmp_path / "model" / "discriminator").is_dir() == (full.stage == "gan")


def test_the_papers_values():
    l1, gan, fine_tune = preset("fasrgan-psnr"), preset("fasrgan"), preset("fasrgan-realsr")
    assert (l1.optimizer.lr, l1.optimizer.halve_every, l1.steps) == (2e-4, 200_000, 1_000_000)
    assert (gan.optimizer.lr, gan.optimizer.halve_every) == (1e-4, 200_000)
    assert (gan.data.batch, gan.data.crop, gan.data.crop_candidates) == (16, 192, 1)
    optimizer = fine_tune.optimizer
    assert (optimizer.lr, optimizer.halve_every, fine_tune.steps) == (1e-4, 50_000, 150_000)
    weights = gan.system_row().losses
    assert (weights.adversarial, weights.attention, weights.content) == (5e-3, 1e-2, 1e-2)
    ablated = preset("fasrgan-without-attention").system_row().losses
    assert (ablated.adversarial, ablated.attention, ablated.content, ablated.fine) == (5e-3, 0, 1e-2, 0)
    assert preset("fasrgan-lambda2-0.05").system_row().losses.attention == 0.05


def test_depths_keep_17_blocks():
    for name in PRESETS:
        if name.startswith("fs-srgan-e"):
            arguments = preset(name).system_row().generator_args
            assert arguments["blocks"] + arguments["shared_blocks"] == 17


def test_learning_rates_fall_as_written():
    paper = preset("fasrgan")
    assert [factor(paper, step) for step in (0, 199_999, 200_000, 400_000)] == [1, 1, 0.5, 0.25]
    reference = preset(
        "fasrgan", optimizer={"halve_every": 0, "halve_at": (50_000, 100_000, 200_000, 300_000)}
    )
    factors = [factor(reference, step) for step in (49_999, 50_000, 100_000, 200_000, 300_000)]
    assert factors == [1, 0.5, 0.25, 0.125, 0.0625]
    cosine = preset("fasrgan-lite", steps=100, optimizer={"cosine_steps": 100, "warmup": 10})
    assert [factor(cosine, step) for step in (0, 50, 100)] == pytest.approx([0.1, 0.5, 0])


def test_the_list_is_printed(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(["--list"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["preset", *PRESETS]


def test_recipes_begin_with_a_discriminator_whose_gradient_is_small():
    """R1 would be almost all of the loss with that of fasrgan-medium-x4, which learned without it: here 49,000."""
    (name,) = {config["start"]["init_discriminator"] for config in BUNDLED.values() if "losses" in config}
    image = torch.from_numpy(photograph("coffee")[:128, :128].copy()).permute(2, 0, 1)[None].float() / 255
    image.requires_grad_()
    logit, _ = load_discriminator(model_files(name)).float()(image)
    (gradient,) = torch.autograd.grad(logit.sum(), image)
    assert gradient.square().sum() < 1000
