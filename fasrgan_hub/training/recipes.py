"""The recipes that `systems.py` names: what differs from the paper's values of `TrainConfig`, by stage."""

from typing import Any

from ..systems import system
from .config import TrainConfig
from .config_groups import DataConfig
from .nested import Nested, override

Recipe = dict[str, dict[str, Any]]
"""Stage -> fields of `TrainConfig`, nested as it is."""

PAPER: Recipe = {"psnr": {"steps": 1_000_000, "optimizer": {"lr": 2e-4}}, "gan": {}}

BLOCK_WEIGHTS = {1: 0.1, 2: 0.1, 3: 1.0, 4: 1.0, 5: 1.0}
"""Of the perceptual loss: lower blocks correct what conv5_4 alone does not see."""

# Small networks like averaged weights, crops with something in them, and batches from many images: all images of a
# small collection are held decoded at once.
LITE_DATA = {"batch": 8, "shuffle_buffer": 256, "crops_per_image": 48}
LITE: Recipe = {
    "psnr": {
        "steps": 6000,
        "data": {**LITE_DATA, "crop": 128, "crop_candidates": 2},
        "optimizer": {"lr": 2.5e-4, "warmup": 200, "cosine_steps": 6000, "ema": 0.999},
    },
    "gan": {
        "steps": 5000,
        "data": {**LITE_DATA, "crop": 96, "crop_candidates": 3},
        # Without a penalty the image's logits drift apart without end, by 55 after 2,000 steps.
        "optimizer": {"lr": 2e-4, "warmup": 100, "cosine_steps": 5000, "ema": 0.999, "r1": 0.003},
        "perceptual": {"block_weights": BLOCK_WEIGHTS},
    },
}

RECIPES = {"paper": PAPER, "lite": LITE}


def default_config(system_name: str, stage: str = "gan", output: str = "", source: str = "") -> TrainConfig:
    """The configuration of a system's stage: the paper's values, then the system's loss weights and recipe."""
    row = system(system_name)
    paper = TrainConfig(system_name, output, DataConfig(source), stage=stage, losses=row.losses)  # type: ignore[arg-type]
    return override(paper, RECIPES[row.recipe][stage])


def make_config(choices: Nested) -> TrainConfig:
    """`default_config` with `choices`, which name `system`, `output`, `data.source` and, but for gan, `stage`."""
    base = default_config(choices["system"], choices.get("stage", "gan"))
    return override(base, choices)
