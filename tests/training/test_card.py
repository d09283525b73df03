"""The model card of a run: complete, and never in the place of one that was written by hand."""

import json
import math
import shlex
from dataclasses import fields

import pytest
import yaml

from fasrgan_hub.training.card import command_line, write_card
from fasrgan_hub.training.config import TrainConfig, parse


def config(tmp_path, **more):
    chosen = {"system": "fasrgan-lite", "data": "div2k", "output": str(tmp_path / "secret place"), "steps": 9}
    return TrainConfig.preset({**chosen, "metrics": "psnr,niqe", "batch": 3, **more})


def log(tmp_path, **scores):
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"step": 9, "losses": {"content": 0.5}, "scores": scores}) + "\n")
    return path


def test_a_card_is_complete(tmp_path):
    scores = {"Set5 psnr": 29.5, "Set5 niqe": math.nan, "Mine psnr": math.inf, "Mine niqe": 5.25}
    write_card(tmp_path, config(tmp_path), log(tmp_path, **scores), 9, 100.0, "vgg16")
    _, front, body = (tmp_path / "README.md").read_text().split("---\n", 2)
    results = yaml.safe_load(front)["model-index"][0]["results"]
    found = {
        (row["dataset"]["name"], metric["type"]): metric["value"]
        for row in results
        for metric in row["metrics"]
    }
    assert found == {("Set5", "psnr"): 29.5, ("Mine", "niqe"): 5.25}, "a score that is no number is left out"
    for part in (
        "| Set5 | 29.5 |  |",
        "| Mine |  | 5.25 |",
        "--metrics psnr,niqe",
        "| data | div2k |",
        "| steps | 9 of 3 crops of 96 x 96 HR pixels |",
        "| time | 2 minutes on ",
        "| precision | f32 |",
        "| perceptual loss | vgg16 |",
        "--batch 3",
        "(curves.png)",
    ):
        assert part in body, part
    configuration = json.loads(body.split("```json\n")[1].split("```")[0])
    assert configuration["batch"] == 3
    assert configuration["seed"] == 0
    assert "output" not in configuration
    assert (tmp_path / "curves.png").is_file()


def test_a_card_written_by_hand_is_kept_and_its_curves_drawn(tmp_path):
    (tmp_path / "README.md").write_text("My model.")
    write_card(tmp_path, config(tmp_path), log(tmp_path), 9, 4000.0, "vgg16")
    assert (tmp_path / "README.md").read_text() == "My model."
    assert (tmp_path / "curves.png").is_file()


def test_a_run_that_has_logged_nothing_has_a_card_without_curves(tmp_path):
    write_card(tmp_path, config(tmp_path), tmp_path / "log.jsonl", 1, 4000.0, "vgg16")
    card = (tmp_path / "README.md").read_text()
    assert "curves.png" not in card
    assert "Not measured while training." in card
    assert "1.1 hours" in card


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"steps": 9000, "cosine_steps": 9000},  # longer than the recipe, whose cosine ends before
        {"stage": "psnr", "steps": 7000, "cosine_steps": 0},
        {"init": "a", "init_discriminator": "b", "losses": "content=1", "lr": 1e-5, "recompute": True},
    ],
)
def test_the_command_line_begins_the_same_run(more):
    config = TrainConfig.preset(
        {"system": "fasrgan-lite", "data": "folder:my $HOME 'pictures'", "output": "run", **more}
    )
    again, _ = parse(shlex.split(command_line(config).replace("\\\n", ""))[3:])
    shaping = [option.name for option in fields(config) if not option.metadata["free"]]
    assert [getattr(again, name) for name in shaping] == [getattr(config, name) for name in shaping]
