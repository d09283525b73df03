"""The model card of a run: complete, and never in the place of one that was written by hand."""

import json
import math
import shlex

import pytest
import yaml

from fasrgan_hub.training.card import RunFacts, command_line, write_card
from fasrgan_hub.training.command_line import parse
from fasrgan_hub.training.config import is_free
from fasrgan_hub.training.recipes import make_config


def config(tmp_path, **more):
    chosen = {"system": "fasrgan-lite", "output": str(tmp_path / "secret place"), "steps": 9}
    data, metrics = {"source": "div2k", "batch": 3}, ("psnr", "niqe")
    return make_config({**chosen, "data": data, "validation": {"metrics": metrics}, **more})


def log(tmp_path, **scores):
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"step": 9, "losses": {"content": 0.5}, "scores": scores}) + "\n")
    return path


def test_a_card_is_complete(tmp_path):
    scores = {"Set5 psnr": 29.5, "Set5 niqe": math.nan, "Mine psnr": math.inf, "Mine niqe": 5.25}
    write_card(tmp_path, config(tmp_path), log(tmp_path, **scores), RunFacts(9, 100.0, "vgg16"))
    _, front, body = (tmp_path / "README.md").read_text().split("---\n", 2)
    results = yaml.safe_load(front)["model-index"][0]["results"]
    reported = {
        (row["dataset"]["name"], metric["type"]): metric["value"]
        for row in results
        for metric in row["metrics"]
    }
    assert reported == {("Set5", "psnr"): 29.5, ("Mine", "niqe"): 5.25}, (
        "a score that is no number is left out"
    )
    for part in (
        "| Set5 | 29.5 |  |",
        "| Mine |  | 5.25 |",
        "--metrics psnr,niqe",
        "| data | div2k |",
        "| degradation | clean |",
        "It learned from clean images",
        "| steps | 9 of 3 crops of 96 x 96 HR pixels |",
        "| time | 2 minutes on ",
        "| precision | f32 |",
        "| perceptual loss | vgg16 |",
        "--data.batch 3",
        "(curves.png)",
    ):
        assert part in body, part
    configuration = yaml.safe_load(body.split("```yaml\n")[1].split("```")[0])
    assert configuration["data"]["batch"] == 3
    assert configuration["seed"] == 0
    assert "output" not in configuration
    assert (tmp_path / "curves.png").is_file()


def test_a_card_written_by_hand_is_kept_and_its_curves_drawn(tmp_path):
    (tmp_path / "README.md").write_text("My model.")
    write_card(tmp_path, config(tmp_path), log(tmp_path), RunFacts(9, 4000.0, "vgg16"))
    assert (tmp_path / "README.md").read_text() == "My model."
    assert (tmp_path / "curves.png").is_file()


def test_a_run_that_has_logged_nothing_has_a_card_without_curves(tmp_path):
    write_card(tmp_path, config(tmp_path), tmp_path / "log.jsonl", RunFacts(1, 4000.0, "vgg16"))
    card = (tmp_path / "README.md").read_text()
    assert "curves.png" not in card
    assert "Not measured while training." in card
    assert "1.1 hours" in card


def test_the_cores_of_all_processes_count(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    write_card(tmp_path, config(tmp_path), log(tmp_path), RunFacts(9, 4000.0, processes=2))
    assert "| time | 1.1 hours on 6 CPU cores |" in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize(
    "more",
    [
        {},
        {
            "steps": 9000,
            "optimizer": {"cosine_steps": 9000},
        },  # longer than the recipe, whose cosine ends before
        {"stage": "psnr", "steps": 7000, "optimizer": {"cosine_steps": 0, "halve_at": (500, 600)}},
        {
            "start": {"init": "a", "init_discriminator": "b"},
            "losses": {"content": 1.0},
            "optimizer": {"lr": 1e-5, "r1": 0.0, "sync_norm": True},
            "perceptual": {"block_weights": {5: 1.0}},
            "generator": {"blocks": 3, "init": "paper"},
            "gradient_checkpointing": True,
        },
    ],
)
def test_the_command_line_begins_the_same_run(more):
    source = {"source": "folder:my $HOME 'images'"}
    config = make_config({"system": "fasrgan-lite", "data": source, "output": "run", **more})
    again, _ = parse(shlex.split(command_line(config).replace("\\\n", ""))[3:])
    for path in config.paths():
        assert is_free(path) or again[path] == config[path], path
