"""The bundled models' recipes, begun again on their photographs, have the losses on record.

recorded/STAGE.jsonl is the log.jsonl of the command that `recipe` stands for. FASRGAN_PHOTOS names the folder of
`weights/PHOTOGRAPHS.csv`'s photographs.
"""

import json
import os
from pathlib import Path

import pytest

from fasrgan_hub.training.config import TrainConfig
from fasrgan_hub.training.loop import train
from fasrgan_hub.training.recipes import make_config

PHOTOS = os.environ.get("FASRGAN_PHOTOS")
RECORDED = Path(__file__).with_name("recorded")


def recipe(stage: str, output: Path) -> TrainConfig:
    gan = {
        "start": {"init": "fasrgan-lite-bicubic-psnr-x4"},
        "perceptual": {"network": "vgg16"},
        "discriminator": {"upsample": "paper"},
    }
    here = {
        "data": {"source": f"folder:{PHOTOS}"},
        "output": str(output),
        "steps": 50,
        "logging": {"every": 10, "trackers": ()},
    }
    system = {"system": "fasrgan-lite", "stage": stage, "precision": "bf16"}
    return make_config({**system, **here, **(gan if stage == "gan" else {})})


def logged_losses(log: Path) -> dict[int, dict[str, float]]:
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return {entry["step"]: entry["losses"] for entry in entries if "losses" in entry}


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS, reason="FASRGAN_PHOTOS does not name the folder of the training photographs")
@pytest.mark.parametrize("stage", ["psnr", "gan"])
def test_50_steps_have_the_losses_on_record(stage, tmp_path):
    """Within what another processor's rounding makes of 50 steps in bf16; the discriminator's swing most."""
    train(recipe(stage, tmp_path))
    losses, recorded = logged_losses(tmp_path / "log.jsonl"), logged_losses(RECORDED / f"{stage}.jsonl")
    assert list(losses) == list(recorded) == [10, 20, 30, 40, 50]
    for step, values in recorded.items():
        for name, value in values.items():
            close = 0.02 if name in ("content", "perceptual") else 0.3
            assert losses[step][name] == pytest.approx(value, rel=close, abs=0.005), (step, name)
