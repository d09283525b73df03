"""The bundled models' recipes, begun again on the training photographs, have the losses on record.

recorded/PRESET.jsonl is the log.jsonl of the run that `recipe` configures. FASRGAN_PHOTOS names the folder of
`weights/PHOTOGRAPHS.csv`'s photographs. `python tests/training/test_recorded.py PRESET...` records anew.
"""

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from accelerate.state import AcceleratorState

from fasrgan_hub.training.config import TrainConfig
from fasrgan_hub.training.loop import train
from fasrgan_hub.training.nested import override
from fasrgan_hub.training.presets import BUNDLED, PRESETS
from fasrgan_hub.training.recipes import make_config

PHOTOS = os.environ.get("FASRGAN_PHOTOS")
RECORDED = Path(__file__).with_name("recorded")
START = "fasrgan-lite-psnr-x4"
"""What reduced recipes begin with, and their teacher: weights that a new training has not replaced."""
FULL_SIZE = {
    "fasrgan-lite-psnr": {"precision": "bf16"},
    "fasrgan-lite": {
        "precision": "bf16",
        "start": {"init": START},
        "perceptual": {"network": "vgg16"},
        "discriminator": {"upsample": "paper"},
    },
}
"""The first recipes, with their own crops: what else differs from the preset."""
NAMES = (*FULL_SIZE, *BUNDLED)


def reduced(name: str) -> dict[str, Any]:
    """What makes a preset cheap: a small network and few small crops. Losses, degradations and optimizer stay."""
    preset = BUNDLED[name]
    return {
        "generator": preset.get("generator", {}) | {"blocks": 6, "features": 32, "growth": 16},
        "start": {"init": START, "init_discriminator": ""},
        "teacher": {"model": START if "teacher" in preset else ""},
        "data": {"crop": 48, "batch": 1, "shuffle_buffer": 8},
        "precision": "no",  # so few pixels in bf16 have other losses on every kind of processor
    }


def recipe(name: str, output: Path) -> TrainConfig:
    here = {
        "data": {"source": f"folder:{PHOTOS}"},
        "output": str(output),
        "steps": 50,
        "logging": {"every": 10, "trackers": ()},
    }
    changes = FULL_SIZE[name] if name in FULL_SIZE else reduced(name)
    return override(override(make_config(PRESETS[name]), changes), here)


def logged_losses(log: Path) -> dict[int, dict[str, float]]:
    entries = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return {entry["step"]: entry["losses"] for entry in entries if "losses" in entry}


@pytest.fixture(autouse=True)
def _fresh_precision():
    forget_precision()


def forget_precision() -> None:
    """A process has the precision of its first Accelerator, and the recipes have two."""
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS, reason="FASRGAN_PHOTOS does not name the folder of the training photographs")
@pytest.mark.parametrize("name", NAMES)
def test_50_steps_have_the_losses_on_record(name, tmp_path):
    """Within what another processor's rounding makes of them: it grows, and the discriminator's losses swing most."""
    train(recipe(name, tmp_path))
    losses, recorded = logged_losses(tmp_path / "log.jsonl"), logged_losses(RECORDED / f"{name}.jsonl")
    assert list(losses) == list(recorded) == [10, 20, 30, 40, 50]
    for step, values in recorded.items():
        assert losses[step].keys() == values.keys()
        close = {"content": 0.05, "perceptual": 0.05} if step <= 30 else {"content": 0.2, "perceptual": 0.1}
        for loss, value in values.items():
            if step <= 30 or loss in close:
                expected = pytest.approx(value, rel=close.get(loss, 0.3), abs=0.005)
                assert losses[step][loss] == expected, (step, loss)


if __name__ == "__main__":
    for chosen in sys.argv[1:]:
        forget_precision()
        with TemporaryDirectory() as folder:
            train(recipe(chosen, Path(folder)))
            Path(RECORDED, f"{chosen}.jsonl").write_bytes(Path(folder, "log.jsonl").read_bytes())
