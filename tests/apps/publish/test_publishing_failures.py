"""What a push that is refused, interrupted or given a broken model leaves: the repository as it was."""

import json
from pathlib import Path

import pytest
from hub_client import Client
from hub_routes import READER, STRANGER
from hub_server import Fault, Hub
from publishable import TINY, make_model

from fasrgan_hub import FASRGAN, UNetDiscriminator
from fasrgan_hub.apps.publish.publishing import prepared
from fasrgan_hub.errors import UserError


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_model(tmp_path / "model")


@pytest.mark.parametrize(
    ("repository", "token", "message"),
    [
        ("org/closed", "", "not logged in to the Hub: run `hf auth login`"),
        ("org/closed", "hf_expired", "the Hub refuses your token"),
        ("org/closed", READER, "your token does not allow this in 'org/closed'"),
        ("org/new", READER, "your token does not allow this in 'org/new'"),
        ("org/closed", STRANGER, "your token does not allow this"),
        ("elsewhere/new", "hf_writer", "your token does not allow this in 'elsewhere/new'"),
        ("closed", "hf_writer", "write OWNER/NAME"),
        ("org/a b", "hf_writer", "cannot name a repository"),
        ("org/c/d", "hf_writer", "cannot name a repository"),
    ],
)
def test_refusals_are_one_line(
    hub: Hub, client: Client, model: Path, repository: str, token: str, message: str
) -> None:
    hub.create("org/closed", private=True)
    status, output, errors = client.fasrgan("push", model, repository, token=token)
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("fasrgan: error: ") and message in errors
    assert set(hub.files("org/closed")) == {".gitattributes"}


def test_a_commit_in_between_is_not_overwritten(hub: Hub, client: Client, model: Path) -> None:
    hub.create("org/busy")
    act = lambda: hub.edit("org/busy", {"README.md": b"by hand"})  # noqa: E731
    hub.faults.append(Fault("POST", "/org/busy/commit/", act=act))
    outcome = client.fasrgan("push", model, "org/busy")
    assert outcome.status == 2 and "changed 'org/busy' meanwhile" in outcome.errors
    assert hub.files("org/busy")["README.md"] == b"by hand" and "config.json" not in hub.files("org/busy")


@pytest.mark.parametrize("after", [0, 1000])
def test_a_hub_that_dies_in_mid_commit_is_as_it_was(
    hub: Hub, client: Client, tmp_path: Path, after: int
) -> None:
    name = f"org/commit-{after}"
    client.fasrgan("push", make_model(tmp_path / "old", 1), name)
    before = hub.repositories["models", name].refs["main"]
    hub.faults.append(Fault("POST", f"/{name}/commit/", after=after, act=hub.__exit__))
    new = make_model(tmp_path / "new", 2)
    outcome = client.fasrgan("push", new, name)
    assert outcome.status == 2 and "the connection to the Hub failed" in outcome.errors
    assert client.fasrgan("push", new, name).status == 2  # still away
    hub.__enter__()
    assert hub.repositories["models", name].refs == {"main": before}
    assert client.fasrgan("push", new, name).status == 0
    assert hub.files(name)["model.safetensors"] == (new / "model.safetensors").read_bytes()


def test_a_push_killed_in_mid_upload_leaves_the_repository(hub: Hub, client: Client, tmp_path: Path) -> None:
    client.fasrgan("push", make_model(tmp_path / "old", 3), "org/killed")
    before = hub.repositories["models", "org/killed"].refs["main"]
    hub.faults.append(Fault("PUT", "/cdn/", after=1000, act=hub.__exit__))
    new = make_model(tmp_path / "new", 4)
    pushing = Client(hub, tmp_path / "home")
    pushing.begin(f"main(['push', {str(new)!r}, 'org/killed'])")
    assert hub.away.wait(60) and pushing.process.is_alive()
    pushing.process.kill()
    pushing.process.join()
    hub.__enter__()
    assert hub.repositories["models", "org/killed"].refs == {"main": before}
    assert client.fasrgan("push", new, "org/killed").status == 0


@pytest.mark.slow  # the client tries again for 23 seconds
def test_a_hub_that_dies_in_mid_upload_is_as_it_was(hub: Hub, client: Client, tmp_path: Path) -> None:
    client.fasrgan("push", make_model(tmp_path / "old", 1), "org/upload")
    before = hub.repositories["models", "org/upload"].refs["main"]
    hub.faults.append(Fault("PUT", "/cdn/", after=1000, act=hub.__exit__))
    outcome = client.fasrgan("push", make_model(tmp_path / "new", 6), "org/upload")
    hub.__enter__()
    assert outcome.status == 2 and outcome.errors.count("\n") == 1
    assert "the connection to the Hub failed" in outcome.errors
    assert hub.repositories["models", "org/upload"].refs == {"main": before}


def test_a_hiccup_of_the_upload_is_got_over(hub: Hub, client: Client, model: Path) -> None:
    hub.faults.append(Fault("PUT", "/cdn/", status=503))
    assert client.fasrgan("push", make_model(model, 5), "org/hiccup").status == 0
    assert hub.faults[-1].times == 0 and len(hub.files("org/hiccup")) == 9


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda model: (model / "config.json").unlink(), "has no config.json"),
        (lambda model: (model / "model.safetensors").unlink(), "holds no model.safetensors"),
        (lambda model: truncate(model / "model.safetensors"), "damaged"),
        (lambda model: (model / "discriminator/model.safetensors").unlink(), "has no model.safetensors"),
        (lambda model: truncate(model / "discriminator/model.safetensors"), "damaged"),
        (lambda model: FASRGAN(**TINY).save_pretrained(model / "discriminator"), "holds FASRGAN"),
        (lambda model: truncate(model / "difficulty/model.safetensors"), "damaged"),
        (lambda model: UNetDiscriminator(width=4).save_pretrained(model), "holds UNetDiscriminator"),
        (lambda model: FASRGAN(**TINY | {"features": 12}).save_pretrained(model / "model"), ""),
    ],
)
def test_only_what_is_complete_and_loads_is_published(model: Path, harm, message: str) -> None:
    harm(model)
    if not message:  # a run: its model counts
        with prepared(model, "org/x") as files:
            assert json.loads(files["config.json"].read_text())["features"] == 12
        return
    with pytest.raises(UserError, match=message) as caught, prepared(model, "org/x"):
        pytest.fail("it was published")
    assert str(model) in str(caught.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match=r"there is no folder '.*nowhere'"),
        prepared(tmp_path / "nowhere", "org/x"),
    ):
        pass
