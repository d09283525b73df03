"""Training of the error map: it finds the mean error of noise that is known, repeats, and ends in a model's folder."""

from contextlib import nullcontext as nothing

import numpy as np
import pytest
import torch
from PIL import Image

from fasrgan_hub import FASRGAN, Upscaler
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.data.cropping import TrainingImage
from fasrgan_hub.data.degradations import PRESETS
from fasrgan_hub.models.error_estimator import ErrorEstimator
from fasrgan_hub.training.error_calibration import expected_loss
from fasrgan_hub.training.error_training import ErrorTraining, train_estimator
from fasrgan_hub.training.examples import CROP, MOST_GRAIN, MOST_SHRUNK, make_examples
from fasrgan_hub.upscaling.error_map import ErrorPredictor

SIDE = 4 * CROP + 20


@pytest.fixture
def plain(tmp_path):
    """Photographs of one color each, from dark to bright."""
    folder = tmp_path / "plain"
    folder.mkdir()
    for index in range(16):
        Image.new("RGB", (SIDE, SIDE), (32 + 12 * index,) * 3).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(2)
    FASRGAN(blocks=1, features=4, growth=2).save_pretrained(tmp_path / "tiny-x4")
    card = tmp_path / "tiny-x4" / "README.md"
    card.write_text("---\nlicense: mit\n---\n# tiny\n\n## Intended use and limits\nNone.\n")
    return tmp_path / "tiny-x4"


def add_noise(small):
    """A model whose error is known: gaussian noise of 3 levels on dark images, and of 15 on bright ones."""
    enlarged = np.repeat(np.repeat(small, 4, axis=0), 4, axis=1).astype(np.float64)
    sigma = 15 if small.mean() > 128 else 3
    noise = np.random.default_rng(int(small.sum())).normal(scale=sigma, size=enlarged.shape[:2])
    return (enlarged + noise[..., None]).round().clip(0, 255).astype(np.uint8)


def test_the_loss_is_least_at_the_mean_whatever_the_distribution():
    rng = np.random.default_rng(0)
    for errors in (
        rng.exponential(7, 50_000),
        rng.lognormal(1, 1, 50_000),
        np.r_[np.zeros(40_000), np.full(9_000, 50)],
    ):
        candidates = errors.mean() * np.linspace(0.5, 1.5, 101)
        losses = [
            expected_loss(torch.full((len(errors),), m), torch.from_numpy(errors)).item() for m in candidates
        ]
        assert candidates[int(np.argmin(losses))] == pytest.approx(errors.mean(), rel=0.011)


def test_originals_come_in_all_sizes_that_a_crop_fits():
    """Stripes of 16 pixels: how often they change in a row tells by how much the photograph was shrunk."""
    stripes = np.tile((np.arange(1024) // 16 % 2 * 255).astype(np.uint8)[None, :, None], (1024, 1, 3))
    image = TrainingImage("stripes", stripes, None)
    examples = make_examples(
        lambda small: small.repeat(4, 0).repeat(4, 1), [image], PRESETS["clean"], seed=0, scale=4, count=20
    )
    rows = examples.original[:, 0, CROP].float() > 128
    columns = examples.original[:, 0, :, CROP].float() > 128
    bright = torch.stack((rows, columns))
    changes = (bright[..., 1:] != bright[..., :-1]).sum(dim=2).amax(dim=0)
    least = 4 * CROP // 16
    assert examples.original.shape == (20, 3, 4 * CROP, 4 * CROP)
    assert changes.min() <= 1.4 * least and changes.max() >= 0.7 * MOST_SHRUNK * least


def test_a_quarter_of_the_originals_has_grain():
    image = TrainingImage("flat", np.full((4 * CROP + 8, 4 * CROP + 8, 3), 128, np.uint8), None)
    examples = make_examples(
        lambda small: small.repeat(4, 0).repeat(4, 1), [image], PRESETS["clean"], seed=0, scale=4, count=60
    )
    grain = examples.original.float().std(dim=(1, 2, 3))
    grainy = grain[grain > 0]
    assert 8 <= len(grainy) <= 24
    assert grainy.min() > 0.9 and 5 < grainy.max() < 1.05 * MOST_GRAIN


def test_noise_that_is_known_is_predicted_within_a_tenth(plain):
    torch.manual_seed(0)
    estimator = ErrorEstimator(width=8)
    options = ErrorTraining(steps=300, crops=40, degradation=PRESETS["clean"], batch=256)
    said = train_estimator(add_noise, estimator, str(plain), options, notify=lambda line: None)
    assert "5 crops that it did not learn from" in said
    for level, sigma in ((60, 3), (180, 15)):
        small = np.full((24, 24, 3), level + 1, np.uint8)
        inputs = (torch.from_numpy(x).permute(2, 0, 1)[None] / 255 for x in (add_noise(small), small))
        with torch.inference_mode():
            predicted = estimator(*inputs).mean().item()
        assert predicted == pytest.approx(sigma * np.sqrt(2 / np.pi), rel=0.1)


def test_what_the_reference_differs_in_is_likely_wrong(plain):
    torch.manual_seed(0)
    estimator = ErrorEstimator(width=8, reference="the truth")
    options = ErrorTraining(steps=200, crops=60, degradation=PRESETS["clean"], batch=256)

    def enlarge(small):
        return np.repeat(np.repeat(small, 4, axis=0), 4, axis=1)

    train_estimator(add_noise, estimator, str(plain), options, lambda line: None, enlarge)
    small = np.full((24, 24, 3), 100, np.uint8)
    result, inputs, truth = (
        torch.from_numpy(x).permute(2, 0, 1)[None] / 255 for x in (add_noise(small), small, enlarge(small))
    )
    with torch.inference_mode():
        damage = estimator.damage_of(inputs)
        agreed, told, differing = (
            estimator(result, inputs, damage, other).mean().item()
            for other in (result, truth, (truth - 30 / 255))
        )
    assert agreed < 0.9 * told and differing > 1.5 * told


def test_the_command_writes_a_folder_that_the_upscaler_uses_and_repeats(plain, model, capsys):
    command = [
        "train-error",
        str(model),
        "--data",
        f"folder:{plain}",
        "-o",
        str(model),
        "--steps",
        "3",
        "--crops",
        "9",
    ]
    weights = model / "difficulty" / "model.safetensors"
    assert main(command) == 0
    assert "crops that it did not learn from" in capsys.readouterr().out
    first = weights.read_bytes()
    levels = Upscaler(model, engine="torch").maps(np.full((9, 7, 3), 90, np.uint8), ["error"])["error"]
    assert levels.values.shape == (36, 28)
    for seed, same in (("0", True), ("1", False)):
        assert main([*command, "--seed", seed]) == 0
        assert (weights.read_bytes() == first) == same
    card = (model / "README.md").read_text()
    assert card.count("## Error map") == 1 and card.index("## Error map") < card.index("## Intended use")
    assert sorted(path.name for path in weights.parent.iterdir()) == ["config.json", "model.safetensors"]
    assert main([*command, "--reference", "fasrgan-lite-bicubic-x4"]) == 0
    assert ErrorPredictor(model).network.reference == "fasrgan-lite-bicubic-x4"
    assert "those of `fasrgan-lite-bicubic-x4`" in (model / "README.md").read_text()


def test_what_cannot_be_trained_is_one_line(plain, model, tmp_path, capsys):
    lone = tmp_path / "lone"
    lone.mkdir()
    Image.new("RGB", (SIDE, SIDE)).save(lone / "a.png")
    Image.new("RGB", (SIDE, 20)).save(lone / "flat.png")
    (lone / "broken.png").write_bytes(b"nothing")
    good = ["train-error", str(model), "-o", str(model), "--data"]
    for wrong, message in (
        ([*good, f"folder:{lone}"], "at least 2"),
        ([*good, f"folder:{tmp_path / 'none'}"], "none"),
        ([*good, f"folder:{plain}", "--steps", "0"], "--steps"),
        ([*good, f"folder:{plain}", "--crops", "1"], "--crops must be at least 2"),
        ([*good, f"folder:{plain}", "--degradation", "fog"], "fog"),
        (["train-error", "no-such-model", "-o", str(model), "--data", f"folder:{plain}"], "no-such-model"),
        (["train-error", str(model), "-o", str(model)], "--data"),
        ([*good, f"folder:{plain}", "--reference", "no-such"], "no-such"),
        ([*good, f"folder:{plain}", "--reference", str(model)], "a folder of this machine"),
        ([*good, f"folder:{plain}", "--reference", "fasrgan-lite-x2"], "enlarges by 2, the model by 4"),
    ):
        with pytest.warns(UserWarning) if str(lone) in wrong[-1] else nothing():
            assert main(wrong) == 2
        error = capsys.readouterr().err.splitlines()[-1]
        assert message in error
    assert not (model / "difficulty").exists()
