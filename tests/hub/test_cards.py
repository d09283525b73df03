"""Every card that the package writes or ships, validated by huggingface_hub against the Hub on loopback."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from hub_card_rules import check_card
from hub_client import Client
from hub_server import Hub
from PIL import Image
from safetensors import safe_open

from fasrgan_hub import FASRGAN, UNetDiscriminator
from fasrgan_hub.evaluation.cards import record_scores
from fasrgan_hub.hub.card_example import INPUT, OUTPUT
from fasrgan_hub.hub.model_files import BUNDLED, bundled_models
from fasrgan_hub.hub.origins import Origin
from fasrgan_hub.training.card import RunFacts, write_card
from fasrgan_hub.training.recipes import make_config
from fasrgan_hub.upscaling.upscaler import Upscaler

ROOT = Path(__file__).parents[2]
TINY = {"blocks": 1, "features": 4, "growth": 2}

VALIDATE = """
import warnings
from pathlib import Path
from huggingface_hub import ModelCard, HfApi

text = Path({path!r}).read_text(encoding="utf-8")
with warnings.catch_warnings():
    warnings.simplefilter("error")
    try:
        ModelCard(text).validate({kind!r})
        HfApi()._validate_yaml(text, repo_type={kind!r})
        print("valid")
    except ValueError as error:
        print(error)
"""


def validate(client: Client, path: Path, kind: str = "model") -> str:
    outcome = client.python(VALIDATE.format(path=str(path), kind=kind))
    assert outcome.errors == ""
    return outcome.output.strip()


def run_card(tmp_path: Path, origin: Origin | None = None, **choices) -> Path:
    """The card of a run with scores, in a model folder."""
    log = tmp_path / "log.jsonl"
    scores = {"Set5 psnr": 29.5, "Set5 lpips": 0.06, "Set5 lpips-0.1": 0.08, "Mine psnr": 25.0}
    log.write_text(json.dumps({"step": 9, "losses": {"content": 0.5}, "scores": scores}) + "\n")
    choices = {"system": "fasrgan-lite", "output": "run", "data": {"source": "folder:x"}} | choices
    model = tmp_path / "model"
    FASRGAN(**TINY).save_pretrained(model)
    (model / "README.md").unlink()
    write_card(model, make_config(choices), log, RunFacts(9, 100.0, "vgg16", origin=origin or Origin()))
    return model / "README.md"


def front_matter(card: Path) -> dict:
    return yaml.safe_load(card.read_text(encoding="utf-8").split("---\n")[1])


def test_the_card_of_a_run_follows_the_conventions(client: Client, tmp_path: Path) -> None:
    card = run_card(tmp_path, data={"source": "div2k=0.5;hub:me/photos:image@train=0.5"})
    assert validate(client, card) == "valid"
    data, text = front_matter(card), card.read_text()
    assert data["library_name"] == "fasrgan-hub" and data["pipeline_tag"] == "image-to-image"
    assert data["license"] == "apache-2.0" and "base_model" not in data and "base_model_relation" not in data
    assert data["datasets"] == ["goodfellowliu/DIV2K", "me/photos"]
    assert data["widget"][0]["src"] == INPUT and data["widget"][0]["output"] == {"url": OUTPUT}
    assert "\n<Gallery />\n" in text and "(https://arxiv.org/abs/1911.10773)" in text
    results = {result["dataset"]["type"]: result["metrics"] for result in data["model-index"][0]["results"]}
    assert [metric["name"] for metric in results["eugenesiow/Set5"]] == ["PSNR", "LPIPS", "LPIPS 0.1"]
    assert "| Set5 | 29.5 | 0.06 | 0.08 |" in text and set(results) == {"eugenesiow/Set5", "mine"}


def test_the_card_of_a_fine_tuned_model_names_its_base_and_license(client: Client, tmp_path: Path) -> None:
    card = run_card(tmp_path, Origin(("org/base",), "bsd-3-clause"), start={"init": "org/base"})
    assert validate(client, card) == "valid"
    data = front_matter(card)
    assert (data["base_model"], data["base_model_relation"]) == ("org/base", "finetune")
    assert data["license"] == "bsd-3-clause"
    record_scores(card.parent, {"Set14": {"lpips": 0.1, "lpips-0.1": 0.2}})
    assert validate(client, card) == "valid" and front_matter(card)["base_model_relation"] == "finetune"


def test_what_the_hub_refuses_is_refused_here(client: Client, tmp_path: Path) -> None:
    """So that "valid" says something."""
    card = run_card(tmp_path, Origin(("/home/me/model",), "my own"), start={"init": "/home/me/model"})
    problems = validate(client, card)
    assert problems.startswith('- Error: "license" must be one of [apache-2.0')
    assert '"base_model" with value "/home/me/model" is not valid' in problems


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("license: [", "Invalid YAML"),
        ("- license", "must be an object"),
        ("widget: {src: a}", '"widget" must be an array'),
        ("datasets: [null]", '"datasets[0]" must be a string'),
        ("base_model_relation: child", '"base_model_relation" must be one of'),
        ("library_name: 3", '"library_name" must be a string'),
        ("model-index: [{results: []}]", '"model-index[0].name" is required'),
        (
            "model-index: [{name: a, results: [{task: {type: b}, dataset: {name: c}, metrics: []}]}]",
            '"model-index[0].results[0].dataset.type" is required',
        ),
        (
            "model-index: [{name: a, results: [{task: {type: b}, metrics: [{type: psnr, value: .nan}]}]}]",
            'metrics[0].value" is required',
        ),
    ],
)
def test_the_rules(front: str, message: str) -> None:
    errors, _ = check_card(f"---\n{front}\n---\ntext")
    assert any(message in error for error in errors), errors


def test_a_card_without_metadata_is_only_warned_of() -> None:
    assert check_card("# A title") == ([], ["empty or missing yaml metadata in repo card"])


SHIPPED = [
    *((BUNDLED / name / "README.md", "model") for name in bundled_models()),
    *((path, "space") for path in sorted(ROOT.glob("spaces/*/README.md"))),
]


@pytest.mark.parametrize(("path", "kind"), SHIPPED, ids=lambda value: str(value).rpartition(f"{ROOT}/")[2])
def test_cards_in_the_repository_are_valid(path: Path, kind: str) -> None:
    assert check_card(path.read_text(encoding="utf-8"), kind) == ([], [])


def test_the_minimal_card_of_push_to_hub_is_valid(hub: Hub, client: Client, tmp_path: Path) -> None:
    code = f"from fasrgan_hub import FASRGAN; FASRGAN(**{TINY}).push_to_hub('org/minimal')"
    assert client.python(code).status == 0
    (tmp_path / "README.md").write_bytes(hub.files("org/minimal")["README.md"])
    assert validate(client, tmp_path / "README.md") == "valid"
    data = front_matter(tmp_path / "README.md")
    assert data["library_name"] == "fasrgan-hub" and "fasrgan_hub" not in data["tags"]
    assert "arxiv.org/abs/1911.10773" in (tmp_path / "README.md").read_text()


def test_a_push_of_metadata_that_the_hub_refuses_is_one_line(
    hub: Hub, client: Client, tmp_path: Path
) -> None:
    card = run_card(tmp_path, Origin((), "my own"), start={"init": "x"})
    outcome = client.fasrgan("push", card.parent, "org/refused")
    assert outcome.status == 2 and outcome.errors.count("\n") == 1
    assert '"license" must be one of' in outcome.errors
    assert set(hub.files("org/refused")) == {".gitattributes"}


def test_a_push_makes_the_example_that_the_card_names(hub: Hub, client: Client, tmp_path: Path) -> None:
    card = run_card(tmp_path)
    assert client.fasrgan("push", card.parent, "org/example").status == 0
    there = hub.files("org/example")
    address = f"https://huggingface.co/org/example/resolve/main/{INPUT}"
    assert yaml.safe_load(there["README.md"].decode().split("---\n")[1])["widget"][0]["src"] == address
    for name in (INPUT, OUTPUT):
        (tmp_path / name).write_bytes(there[name])
    small, large = (np.asarray(Image.open(tmp_path / name)) for name in (INPUT, OUTPUT))
    assert small.shape == (96, 96, 3) and small.std() > 20
    assert np.array_equal(Upscaler(str(card.parent), engine="torch", precision="f32")(small), large)
    assert not list(card.parent.glob("example*")), "the model folder itself stays as it is"


def test_the_header_of_the_weights_says_what_they_are(tmp_path: Path) -> None:
    generator = FASRGAN(**TINY, scale=2)
    generator.license = "mit"
    generator.save_pretrained(tmp_path / "a")
    FASRGAN.from_pretrained(tmp_path / "a").save_pretrained(tmp_path / "b")  # it is kept
    weights = {folder: (tmp_path / folder / "model.safetensors").read_bytes() for folder in "ab"}
    assert weights["a"] == weights["b"], "equal weights make equal files"
    UNetDiscriminator(width=4).save_pretrained(tmp_path / "d")
    expected = {"format": "pt", "architecture": "FASRGAN", "scale": "2", "license": "mit"}
    for folder, metadata in {
        "a": expected,
        "b": expected,
        "d": {"format": "pt", "architecture": "UNetDiscriminator"},
    }.items():
        with safe_open(tmp_path / folder / "model.safetensors", "pt") as file:
            assert file.metadata() == metadata
