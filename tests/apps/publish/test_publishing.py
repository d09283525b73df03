"""Publishing, with the real client against a Hub on loopback: all of a model goes up, or nothing."""

import json
import re
import runpy
import shutil
import sys
from pathlib import Path

import pytest
from hub_client import Client
from hub_server import Hub
from publishable import CARD, TINY, make_model

from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.hub.model_files import BUNDLED
from fasrgan_hub.hub.transfer import MARK

DIGESTS = """
import hashlib, torch
from fasrgan_hub import UNetDiscriminator, from_pretrained

x = torch.linspace(0, 1, 3 * 16 * 16).view(1, 3, 16, 16)
with torch.inference_mode():
    y = from_pretrained(name, **options)(x)
    scores = UNetDiscriminator.from_pretrained(name, subfolder="discriminator", **options)(x)
print(*(hashlib.sha256(z.numpy().tobytes()).hexdigest() for z in (y, *scores)))
"""
"""Prints what the generator and the discriminator of `name` make of a fixed image."""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_model(tmp_path / "model")


def test_a_bundled_model_is_published_with_its_license_and_the_lists_of_its_images(
    hub: Hub, client: Client
) -> None:
    pushed = client.fasrgan("push", BUNDLED / "fasrgan-medium-x4", "org/medium")
    assert (pushed.status, pushed.errors) == (0, "")
    files = hub.files("org/medium")
    assert files["LICENSE"] == (BUNDLED / "fasrgan-medium-x4" / "LICENSE").read_bytes()
    links = re.findall(r"\]\((?!http)([^)#]+)\)", files["README.md"].decode())
    assert "PHOTOGRAPHS.csv" in links and set(links) <= set(files)


def test_what_was_pushed_comes_back_to_the_bit(hub: Hub, client: Client, tmp_path: Path) -> None:
    """By name and commit, by two processes at once into one empty cache, and offline afterwards."""
    old, new = make_model(tmp_path / "old", 1), make_model(tmp_path / "new", 2)
    first = client.fasrgan("push", old, "org/exact")
    second = client.fasrgan("push", new, "org/exact")
    assert (first.status, first.errors) == (second.status, second.errors) == (0, "")
    commit = first.output.strip().removeprefix(f"{hub.url}/org/exact/commit/")
    assert hub.files("org/exact", commit)["model.safetensors"] == (old / "model.safetensors").read_bytes()

    loads = {
        ref: f"name, options = 'org/exact', {{'revision': {ref!r}}}\n{DIGESTS}"
        for ref in (None, "main", commit)
    }
    expected = [
        client.python(f"name, options = {str(folder)!r}, {{}}\n{DIGESTS}").output for folder in (new, old)
    ]
    assert expected[0] != expected[1]

    both = [Client(hub, tmp_path / "home") for _ in range(2)]
    for process, ref in zip(both, (None, commit), strict=True):
        process.begin(loads[ref])
    assert [process.outcome().output for process in both] == expected

    before = len(hub.requests)
    offline = Client(hub, tmp_path / "home", HF_HUB_OFFLINE="1")
    assert offline.python(loads[None]).output == expected[0]
    assert offline.python(loads[commit]).output == expected[1]
    assert len(hub.requests) == before
    hub.__exit__()
    assert both[1].python(loads["main"]).output == expected[0]
    hub.__enter__()


def test_everything_that_belongs_to_a_run_goes_up_in_one_commit(
    hub: Hub, client: Client, tmp_path: Path
) -> None:
    model = make_model(tmp_path / "run" / "model")
    (tmp_path / "run" / "config.json").write_text("{}")
    (model / "model.onnx").write_bytes(b"\0onnx")
    for foreign in ("pytorch_model.bin", ".model.safetensors.partial", "notes.txt", ".env"):
        (model / foreign).write_text("private")
    commits = len(hub.create("org/run").commits)
    assert client.fasrgan("push", tmp_path / "run", "org/run", "--message", "Hello").status == 0
    there = hub.files("org/run")
    assert set(there) == {
        ".gitattributes",
        "README.md",
        "config.json",
        "curves.png",
        "difficulty/config.json",
        "difficulty/model.safetensors",
        "discriminator/config.json",
        "discriminator/model.safetensors",
        "model.onnx",
        "model.safetensors",
    }
    assert len(hub.repositories["models", "org/run"].commits) == commits + 1
    card = there["README.md"].decode()
    assert 'Upscaler("org/run")' in card and "fasrgan evaluate org/run --hr" in card
    assert (model / "README.md").read_text() == CARD
    for name in set(there) - {"README.md", ".gitattributes"}:
        assert there[name] == (model / name).read_bytes()


def test_a_card_written_by_hand_is_kept_until_asked(hub: Hub, client: Client, model: Path) -> None:
    name = "org/card"
    client.fasrgan("push", model, name)
    (model / "README.md").write_text(CARD + "second edition")
    assert client.fasrgan("push", model, name).errors == ""
    assert hub.files(name)["README.md"].endswith(b"second edition")

    hub.edit(name, {"README.md": b"by hand", "model.safetensors": b"\0"})
    outcome = client.fasrgan("push", model, name)
    assert outcome.status == 0 and "written by hand and is kept" in outcome.errors
    assert hub.files(name)["README.md"] == b"by hand" and len(hub.files(name)["model.safetensors"]) > 1

    code = f"from fasrgan_hub import FASRGAN; FASRGAN(**{TINY}).push_to_hub({name!r}%s)"
    client.python(code % "")
    assert hub.files(name)["README.md"] == b"by hand"
    client.python(code % ", overwrite_card=True")
    assert MARK.encode() in hub.files(name)["README.md"]
    hub.edit(name, {"README.md": b"by hand"})
    client.fasrgan("push", model, name, "--overwrite-card")
    assert MARK.encode() in hub.files(name)["README.md"]


def test_what_belonged_to_the_generator_before_is_removed(hub: Hub, client: Client, model: Path) -> None:
    client.fasrgan("push", model, "org/stale")
    hub.edit("org/stale", {"model.onnx": b"\0", "LICENSE": b"mine", "mine/cat.onnx": b"\0"})
    for part in ("discriminator", "difficulty"):
        shutil.rmtree(model / part)
    client.fasrgan("push", model, "org/stale")
    kept = {".gitattributes", "README.md", "config.json", "curves.png", "model.safetensors"}
    assert set(hub.files("org/stale")) == kept | {"LICENSE", "mine/cat.onnx"}


def test_python_publishes_a_discriminator_beside_its_generator(
    hub: Hub, client: Client, tmp_path: Path
) -> None:
    url = client.python(
        f"""
from fasrgan_hub import FASRGAN, UNetDiscriminator
FASRGAN(**{TINY}).push_to_hub("org/pair", private=True)
discriminator = UNetDiscriminator(width=4, crop=0, hidden=8)
print(discriminator.push_to_hub("org/pair", subfolder="discriminator", commit_message="D"))
print(FASRGAN(**{TINY}).save_pretrained({str(tmp_path)!r}, push_to_hub=True, repo_id="org/pair"))
"""
    ).output
    assert url.count(f"{hub.url}/org/pair/commit/") == 2 and hub.repositories["models", "org/pair"].private
    assert {"README.md", "model.safetensors", "discriminator/config.json"} <= set(hub.files("org/pair"))
    assert json.loads(hub.files("org/pair")["config.json"])["_model_class"] == "FASRGAN"
    assert "discriminator/README.md" not in hub.files("org/pair")


def test_branches_and_pull_requests_leave_main_alone(hub: Hub, client: Client, model: Path) -> None:
    before = hub.create("org/branches").refs["main"]
    assert client.fasrgan("push", model, "org/branches", "--revision", "v2").status == 0
    outcome = client.fasrgan("push", model, "org/branches", "--pr")
    assert outcome.output == f"{hub.url}/org/branches/discussions/1\n"
    assert client.fasrgan("push", model, "org/branches", "--revision", "refs/pr/1").status == 0
    for ref in ("v2", "refs/pr/1"):
        assert "model.safetensors" in hub.files("org/branches", ref)
    assert hub.repositories["models", "org/branches"].refs["main"] == before


def test_private_is_private_or_refused(hub: Hub, client: Client, model: Path) -> None:
    assert client.fasrgan("push", model, "org/secret", "--private").status == 0
    assert hub.repositories["models", "org/secret"].private
    assert client.fasrgan("push", model, "org/secret", "--private").status == 0
    hub.create("org/open")
    outcome = client.fasrgan("push", model, "org/open", "--private")
    assert outcome.status == 2 and "public already" in outcome.errors
    assert set(hub.files("org/open")) == {".gitattributes"}


def test_a_dry_run_shows_what_would_go_up_and_asks_nobody(
    hub: Hub, model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(hub.requests)
    assert main(["push", str(model), "org/dry", "--dry-run"]) == 0
    output = capsys.readouterr().out
    size = (model / "model.safetensors").stat().st_size
    assert re.search(rf"^ +{size:,} bytes  model\.safetensors$", output, re.MULTILINE)
    assert output.count("\n") == 8 + 2 and "Nothing was sent" in output

    monkeypatch.setattr(sys, "argv", ["push_to_hub.py", str(model), "org/dry", "--dry-run"])
    with pytest.raises(SystemExit, match="0"):
        runpy.run_path(str(Path(__file__).parents[3] / "scripts" / "push_to_hub.py"), run_name="__main__")
    assert capsys.readouterr().out == output
    assert len(hub.requests) == before
