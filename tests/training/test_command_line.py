"""The command line of training: short forms, files, what goes before what, and mistakes in one line."""

import subprocess
import sys

import pytest
import yaml
from small import merged
from test_training import SCRIPT

from fasrgan_hub.errors import UserError
from fasrgan_hub.training.command_line import load_config, parse
from fasrgan_hub.training.config_groups import BenchmarkFolders
from fasrgan_hub.training.presets import PRESETS
from fasrgan_hub.training.recipes import default_config, make_config

LITE = ["--system", "fasrgan-lite", "--data", "folder:x", "--output", "y"]


def parsed(*words):
    return parse([*LITE, *words])[0]


def test_short_forms_and_nested_names():
    config = parsed("--init", "a", "--init-discriminator=b", "--checkpoint-every", "7", "--log-every=3")
    assert (config.data.source, config.output) == ("folder:x", "y")
    assert (config.start.init, config.start.init_discriminator) == ("a", "b")
    assert (config.checkpoints.every, config.logging.every) == (7, 3)
    config = parsed("--losses.attention", "0.05", "--data.shuffle-buffer", "9", "--optimizer.halve_at=[1,2]")
    assert (config.losses.attention, config.data.shuffle_buffer) == (0.05, 9)
    assert config.optimizer.halve_at == (1, 2)
    config = parsed(
        "--generator.blocks", "3", "--generator.init", "paper", "--discriminator.bn_eps_slip", "true"
    )
    assert config.generator == {"blocks": 3, "init": "paper"}
    assert config.discriminator == {"bn_eps_slip": True}
    config = parsed("--validation.benchmarks.Set5.hr=A", "--validation.benchmarks.Set5.lr=B")
    assert config.validation.benchmarks == {"Set5": BenchmarkFolders("A", "B")}
    assert parsed("--data.degradation", "clean=0.3,web=0.7").data.degradation == "clean=0.3,web=0.7"
    config = parsed("--compile", "--optimizer.r1", "0", "--gradient-checkpointing", "false")
    assert (config.compile, config.gradient_checkpointing) == (True, False)


def test_options_go_before_files_before_presets_before_recipes(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(
        "{system: fasrgan, data: {batch: 3}, optimizer: {lr: 0.5}, perceptual: {block_weights: {3: 1}}}"
    )
    words = ["--preset", "fasrgan-realsr", "--config", str(file), "--data", "x", "--output", "y"]
    config, resume = parse([*words, "--optimizer.lr", "0.25"])
    assert not resume
    assert (config.optimizer.lr, config.data.batch, config.steps) == (0.25, 3, 150_000)
    assert config.optimizer.halve_every == 50_000
    assert config.perceptual.block_weights == {3: 1.0}
    file.write_text("{system: esrgan-lite, stage: psnr}")
    config, _ = parse(["--config", str(file), "--data", "x", "--output", "y"])
    assert config == default_config("esrgan-lite", "psnr", "y", "x")


def test_a_run_writes_its_configuration_and_it_begins_the_same_run(tmp_path):
    words = ["--validation.benchmarks.Set5.hr=A", "--generator.blocks=3", "--optimizer.lr=1e-5"]
    config = parsed(*words, "--output", str(tmp_path))
    config.save()
    assert load_config(tmp_path) == config
    assert parse(["--config", str(tmp_path / "config.yaml")]) == (config, False)
    assert yaml.safe_load((tmp_path / "config.yaml").read_text())["optimizer"]["lr"] == 1e-5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--system", "x"], "there is no system 'x'; there are esrgan, "),
        (["--stage", "x"], "stage is x; it must be one of psnr, gan"),
        (["--optimizer.lr", "much"], r"--optimizer\.lr: Expected a float\. Got value: much"),
        (["--beauty", "1"], "unrecognized arguments: --beauty"),
        (["--losses.beauty", "1"], r"unrecognized arguments: --losses\.beauty"),
        (["--data.degradation", "web=0.5,real=0.4"], "add up to 0.9; they must add up to 1"),
        (["--data.degradation", "/no/such.yaml"], r"cannot read '/no/such\.yaml'"),
        (
            ["--losses.lpips", "1", "--data.crop", "32"],
            r"crop is 32; it must be at least 36 for losses\.lpips",
        ),
        (
            ["--losses.dists", "1", "--data.crop", "16"],
            r"crop is 16; it must be at least 20 for losses\.dists",
        ),
        (["--init"], "expected one argument"),
        (["--preset", "x"], "invalid choice: 'x'"),
        (["--config", "/no/such.yaml"], r"cannot read '/no/such\.yaml'"),
        (["--resume", "best"], "invalid choice: 'best'"),
        (["--sys", "fasrgan"], "unrecognized arguments: --sys"),
    ],
)
def test_a_mistake_is_one_line(words, message):
    with pytest.raises(UserError, match=message) as raised:
        parsed(*words)
    assert "\n" not in str(raised.value)


def test_what_is_missing_or_wrong_in_a_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"required: output, data\.source"):
        parse(["--system", "fasrgan"])
    with pytest.raises(UserError, match="--output is needed to resume"):
        parse(["--resume", "latest"])
    file = tmp_path / "config.yaml"
    for text, message in [
        ("optimizer: {lrr: 1}", "does not accept option 'lrr'"),
        ("[1]", "holds no options by name"),
        ("a: {", "cannot read"),
        ("optimizer: {lr: much}", "Expected a float"),
    ]:
        file.write_text(text)
        with pytest.raises(UserError, match=message):
            parsed("--config", str(file))
        with pytest.raises(UserError, match="holds no run that can be resumed"):
            load_config(tmp_path)


def test_help_is_grouped_and_shows_the_recipe(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(["--system", "fasrgan-lite", "--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in (
        "The perceptual loss (Eq. 4):",
        "--data.crop CROP side of the HR crops, in pixels; a multiple of 4, at scale 3 of 3 (type: int, default: 96)",
        "lambda 2, of Eq. 8, L1 where the score map is low (type: float, default: 1.0)",
    ):
        assert part in text, part


def test_the_script_exits_with_status_2_and_one_line():
    process = subprocess.run(
        [sys.executable, str(SCRIPT), *LITE, "--data.batch=0"], capture_output=True, text=True
    )
    assert process.returncode == 2
    assert process.stderr == "train.py: error: data.batch is 0; it must be positive\n"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_names_the_system(name):
    config, _ = parse([f"--preset={name}", "--output=run", "--data=folder:photos"])
    assert config == make_config(
        merged(PRESETS[name], {"output": "run", "data": {"source": "folder:photos"}})
    )


def test_a_preset_leaves_output_and_data_to_the_user():
    with pytest.raises(UserError, match="output"):
        parse(["--preset=fasrgan", "--data=folder:photos"])
