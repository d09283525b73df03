"""A discriminator learns alone: it comes to tell photographs from blocks, repeats, and ends in a model's folder."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from fasrgan_hub import FASRGAN, ScoreMapPredictor
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.data.degradations import PRESETS
from fasrgan_hub.models.discriminators import UNetDiscriminator
from fasrgan_hub.training.discriminator_training import DiscriminatorTraining, teach
from fasrgan_hub.training.examples import CROP

TINY = {"width": 4, "crop": 0, "hidden": 8, "norm": "none", "upsample": "aligned"}
COMMAND = ["train-discriminator", "--steps", "2", "--crops", "9"]


@pytest.fixture
def photographs(tmp_path):
    """Textures, each of another brightness."""
    folder, rng = tmp_path / "photographs", np.random.default_rng(0)
    folder.mkdir()
    for index in range(10):
        texture = rng.normal(60 + 14 * index, 25, (4 * CROP + 20, 4 * CROP + 20, 3))
        Image.fromarray(texture.clip(0, 255).astype(np.uint8)).save(folder / f"{index}.png")
    return f"folder:{folder}"


def make_model(folder, discriminator, **sizes):
    torch.manual_seed(2)
    FASRGAN(blocks=1, features=4, growth=2, **sizes).save_pretrained(folder)
    discriminator.save_pretrained(folder / "discriminator")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# tiny\n\n## Intended use and limits\nNone.\n")
    return str(folder)


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(3)
    return make_model(tmp_path / "tiny-x4", UNetDiscriminator(**TINY))


def blocks(small):
    return small.repeat(4, 0).repeat(4, 1)


def share_told(said):
    return float(said.split("%")[0].rsplit(" ", 1)[1])


def test_it_comes_to_tell_photographs_from_results_of_every_model(photographs):
    torch.manual_seed(0)
    discriminator = UNetDiscriminator(**TINY)

    def run(steps, enlarge=(blocks,)):
        options = DiscriminatorTraining(steps, 24, PRESETS["clean"], learning_rate=3e-3)
        return share_told(teach(discriminator, enlarge, 4, photographs, options, notify=lambda line: None))

    def smooth(small):
        side = 4 * len(small)
        return np.array(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))

    before = run(1, (smooth,))
    assert before < 85
    run(60, (blocks, smooth))
    assert run(1) > 95 and run(1, (smooth,)) > max(95, before)


def test_the_command_writes_a_discriminator_that_draws_maps_and_repeats(photographs, model, tmp_path, capsys):
    weights = tmp_path / "tiny-x4" / "discriminator" / "model.safetensors"
    start = weights.read_bytes()
    other = make_model(tmp_path / "other-x4", UNetDiscriminator(**TINY))
    command = [*COMMAND, model, "--data", photographs, "--also", other, "-o"]

    def learned(folder, *options):
        assert main([*command, str(tmp_path / folder), *options]) == 0
        return (tmp_path / folder / "discriminator" / "model.safetensors").read_bytes()

    first = learned("a")
    assert "crops that it did not learn from" in capsys.readouterr().out
    assert learned("b") == first and learned("c", "--seed", "1") != first and weights.read_bytes() == start
    copy = tmp_path / "a"  # was no folder before, and is now the model with its new discriminator
    for name in ("config.json", "model.safetensors"):
        assert (copy / name).read_bytes() == (tmp_path / "tiny-x4" / name).read_bytes()
    assert ScoreMapPredictor(copy)(np.zeros((20, 30, 3), np.uint8)).values.shape == (20, 30)
    for _ in range(2):
        learned("tiny-x4", "--half")
    assert {x.dtype for x in load_file(weights).values()} == {torch.float16}
    assert sorted(path.name for path in weights.parent.iterdir()) == ["config.json", "model.safetensors"]
    assert ScoreMapPredictor(model)(np.zeros((20, 30, 3), np.uint8)).values.shape == (20, 30)
    card = (tmp_path / "tiny-x4" / "README.md").read_text()
    assert card.count("## Discriminator") == 1 and card.index("## Discriminator") < card.index("## Intended")
    assert f"`fasrgan train-discriminator --steps 2 --crops 9 --also {other}`" in card.replace("\n", " ")


def test_what_cannot_be_trained_is_one_line(photographs, model, tmp_path, capsys):
    windowed = make_model(tmp_path / "windows-x4", UNetDiscriminator(**{**TINY, "crop": 96}))
    twice = make_model(tmp_path / "tiny-x2", UNetDiscriminator(**TINY), scale=2)
    good = [*COMMAND, model, "--data", photographs, "-o", str(tmp_path / "out")]
    for wrong, message in (
        ([*good, "--steps", "0"], "--steps must be at least 1"),
        ([*good, "--crops", "1"], "--crops must be at least 2"),
        ([*good, "--also", "no-such"], "no-such"),
        ([*good, "--also", twice], "enlarges by 2"),
        ([*good, "--degradation", "fog"], "fog"),
        ([windowed if word == model else word for word in good], "cannot learn alone"),
        (["fasrgan-lite-psnr-x4" if word == model else word for word in good], "discriminator"),
        ([*COMMAND, model, "--data", f"folder:{tmp_path / 'none'}", "-o", str(tmp_path / "out")], "none"),
    ):
        assert main(wrong) == 2
        assert message in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out" / "discriminator").exists()
