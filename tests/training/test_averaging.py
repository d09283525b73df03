"""The weighted mean of models: its weights, its card, and what has no mean."""

from pathlib import Path

import pytest
import torch
from huggingface_hub import ModelCard

from fasrgan_hub import ESRGAN, FASRGAN, UNetDiscriminator, from_pretrained
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import UserError
from fasrgan_hub.training.averaging import average_models

SIZES = {"blocks": 1, "features": 8, "growth": 4, "init": "residual"}


def save_model(folder: Path, seed: int, base: str = "", model_class: type = FASRGAN, **sizes: int) -> str:
    torch.manual_seed(seed)
    model_class(**{**SIZES, **sizes}).save_pretrained(folder)
    if base:
        front = f"base_model: {base}\nlicense: bsd-3-clause\nlibrary_name: fasrgan-hub"
        measured = "## Scores\n30 dB\n\n![curves](curves.png)\n\n## History\nIts training.\n"
        (folder / "README.md").write_text(f"---\n{front}\n---\n# {folder.name}\n{measured}")
        (folder / "LICENSE").write_text(f"Copyright {base}\n")
    return str(folder)


def test_weights_are_the_mean_and_the_card_names_the_parts(tmp_path, capsys):
    first, second = (save_model(tmp_path / name, seed, f"org/{name}") for seed, name in enumerate("ab"))
    UNetDiscriminator(width=4, crop=0, hidden=8).save_pretrained(tmp_path / "a/discriminator")
    output = tmp_path / "mean"
    assert main(["average", f"{first}=3", f"{second}=1", "-o", str(output)]) == 0
    ours, theirs, mean = (from_pretrained(place).state_dict() for place in (first, second, output))
    for key, tensor in mean.items():
        torch.testing.assert_close(tensor, 0.75 * ours[key] + 0.25 * theirs[key])
    UNetDiscriminator.from_pretrained(output, subfolder="discriminator")
    card = ModelCard.load(output / "README.md")
    assert card.data.base_model == ["org/a", "org/b"] and card.data.base_model_relation == "merge"
    assert card.data.license == "bsd-3-clause"
    assert "Its training." in card.text and "30 dB" not in card.text and "curves.png" not in card.text
    assert (output / "LICENSE").read_text() == "Copyright org/a\n\nCopyright org/b\n"
    assert f"| {second} | 0.25 | org/b | bsd-3-clause |" in card.text


def test_a_negative_weight_leads_away_from_a_model(tmp_path):
    near, far = (save_model(tmp_path / name, seed) for seed, name in enumerate("ab"))
    assert main(["average", f"{near}=1.25", f"{far}=-0.25", "-o", str(tmp_path / "beyond")]) == 0
    ours, theirs, beyond = (from_pretrained(place).state_dict() for place in (near, far, tmp_path / "beyond"))
    for key, tensor in beyond.items():
        torch.testing.assert_close(tensor, ours[key] + 0.25 * (ours[key] - theirs[key]))


def test_half_precision_halves_the_file(tmp_path):
    shares = {save_model(tmp_path / str(seed), seed, features=32): 1.0 for seed in range(2)}
    average_models(shares, tmp_path / "full")
    average_models(shares, tmp_path / "half", half=True)
    sizes = [(tmp_path / name / "model.safetensors").stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    x = torch.rand(1, 3, 12, 12)
    with torch.inference_mode():
        exact, half = (from_pretrained(tmp_path / name)(x) for name in ("full", "half"))
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, exact, atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"features": 16}, "only networks of one size"),
        ({"model_class": ESRGAN}, "ESRGAN and FASRGAN have no mean"),
    ],
)
def test_networks_that_differ_have_no_mean(tmp_path, other, reason):
    shares = {save_model(tmp_path / "a", 0): 1.0, save_model(tmp_path / "b", 1, **other): 1.0}
    with pytest.raises(UserError, match=reason):
        average_models(shares, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["fasrgan-lite-x4"], "at least two"),
        (["fasrgan-lite-x4=0.5", "fasrgan-lite-psnr-x4", "fasrgan-lite-x4=0.3"], "each named once"),
        (["fasrgan-lite-x4=0.5", "fasrgan-lite-psnr-x4=lots"], "must be a number but zero"),
        (["fasrgan-lite-x4=0.5", "fasrgan-lite-psnr-x4=0"], "must be a number but zero"),
        (["fasrgan-lite-x4=0.5", "fasrgan-lite-psnr-x4=nan"], "must be a number but zero"),
        (["fasrgan-lite-x4=0.5", "fasrgan-lite-psnr-x4=-1"], "must be positive and finite"),
        (["fasrgan-lite-x4=1e308", "fasrgan-lite-psnr-x4=1e308"], "must be positive and finite"),
        (["fasrgan-lite-x4", "nothing-x4"], "there is no model 'nothing-x4'"),
        (["fasrgan-lite-x4", "fasrgan-lite-psnr-x4", "-o", "."], "exists already"),
    ],
)
def test_a_mistake_is_one_line(arguments, reason, capsys):
    assert main(["average", *arguments]) == 2
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1
