"""Loading from the Hub, against a Hub on loopback: models are downloaded, and every error is one line."""

import re
import socket
import time
from pathlib import Path

import pytest
import torch
from hub_client import Client
from hub_routes import READER, STRANGER, WRITER
from hub_server import Fault, Hub

from fasrgan_hub import ESRGAN, FASRGAN, UNetDiscriminator, from_pretrained
from fasrgan_hub.errors import AccessDeniedError, FileAccessError, MissingFileError, NetworkError, UserError
from fasrgan_hub.hub.transfer import download, hub_errors

TINY = {"blocks": 1, "features": 8, "growth": 4}


@pytest.fixture
def options(hub: Hub, tmp_path: Path) -> dict[str, object]:
    """Where a test loads from and to: `hub`, as nobody, into an empty cache."""
    return {"endpoint": hub.url, "cache_dir": tmp_path / "cache", "token": False}


def publish(hub: Hub, name: str, folder: Path, seed: int = 0, **arguments: object) -> dict[str, bytes]:
    """Make a generator and let `hub` hold it as `name`; its files by path."""
    torch.manual_seed(seed)
    FASRGAN(**TINY | arguments).save_pretrained(folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    if ("models", name) not in hub.repositories:
        hub.create(name)
    hub.edit(name, files)
    return files


def test_a_revision_is_a_branch_a_tag_a_commit_or_a_pull_request(hub: Hub, tmp_path: Path, options) -> None:
    old = publish(hub, "org/revisions", tmp_path / "old", 1)
    repository = hub.repositories["models", "org/revisions"]
    commit = repository.refs["main"]
    repository.refs |= {"v1.0": commit, "old-branch": commit, "refs/pr/1": commit}
    new = publish(hub, "org/revisions", tmp_path / "new", 2)
    for revision in ("v1.0", "old-branch", "refs/pr/1", commit):
        path = download("org/revisions", "model.safetensors", revision=revision, **options)
        assert path.read_bytes() == old["model.safetensors"]
    assert download("org/revisions", "model.safetensors", **options).read_bytes() == new["model.safetensors"]
    hub.edit("org/revisions", old)  # the newest of a branch, not the one that was fetched once
    assert download("org/revisions", "model.safetensors", **options).read_bytes() == old["model.safetensors"]


def test_a_commit_that_is_cached_needs_no_question(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/cached", tmp_path / "model")
    commit = hub.repositories["models", "org/cached"].refs["main"]
    FASRGAN.from_pretrained("org/cached", revision=commit, **options)
    assert hub.requests
    hub.requests.clear()
    FASRGAN.from_pretrained("org/cached", revision=commit, **options)
    assert not hub.requests


def test_both_files_are_of_one_commit(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/race", tmp_path / "old")
    act = lambda: publish(hub, "org/race", tmp_path / "new", features=16)  # noqa: E731
    hub.faults.append(Fault("HEAD", "/model.safetensors", act=act))
    assert FASRGAN.from_pretrained("org/race", **options).config["features"] == 8
    assert FASRGAN.from_pretrained("org/race", **options).config["features"] == 16


def test_private_and_gated_models_open_to_their_token(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/private", tmp_path / "model")
    publish(hub, "org/gated", tmp_path / "model")
    hub.repositories["models", "org/private"].private = True
    hub.repositories["models", "org/gated"].gated = True
    for name in ("org/private", "org/gated"):
        assert from_pretrained(name, **options | {"token": READER}).config["features"] == 8
    assert all(
        headers.get("authorization") == f"Bearer {READER}"
        for _, path, headers in hub.requests
        if "/resolve/" in path
    )
    assert not any("authorization" in headers for _, path, headers in hub.requests if "/cdn/" in path)


@pytest.mark.parametrize(
    ("name", "more", "message"),
    [
        ("org/nothing", {}, "there is no 'org/nothing' on the Hub, or it is private"),
        ("org/nothing", {"token": WRITER}, "there is no 'org/nothing' on the Hub"),
        ("org/hidden", {}, "there is no 'org/hidden' on the Hub, or it is private: run `hf auth login`"),
        ("org/hidden", {"token": STRANGER}, "or it is private"),
        ("org/locked", {}, "'org/locked' is gated: ask for access"),
        ("org/locked", {"token": STRANGER}, "'org/locked' is gated: ask for access"),
        ("org/good", {"token": "hf_expired"}, "the Hub refuses your token"),
        ("org/good", {"revision": "v9"}, "'org/good' has no branch, tag or commit 'v9'"),
        ("org/good", {"revision": "0" * 40}, "has no branch, tag or commit '0000"),
        ("org/good", {"local_files_only": True}, "'org/good' is not in the cache of the Hub"),
        ("org/empty", {}, "'org/empty' on the Hub has no config.json: it is no model of fasrgan_hub"),
        ("org/half", {}, "'org/half' on the Hub has no model.safetensors"),
        ("org/other", {}, "'org/other' is no model of fasrgan_hub"),
        ("org/damaged", {}, "is damaged"),
        ("org/a b", {}, "neither a folder nor a Hub id"),
        ("org/a/b", {}, "neither a folder nor a Hub id"),
    ],
)
def test_what_cannot_be_had_is_one_line(
    hub: Hub, tmp_path: Path, options, name: str, more: dict[str, object], message: str
) -> None:
    files = publish(hub, "org/good", tmp_path / "model")
    hub.create("org/hidden", private=True)
    hub.create("org/locked", gated=True)
    hub.create("org/empty")
    hub.create("org/half")
    hub.edit("org/half", {"config.json": files["config.json"], "pytorch_model.bin": b"\0"})
    hub.create("org/other")
    hub.edit("org/other", files | {"config.json": b'{"model_type": "swin2sr", "upscale": 4}'})
    hub.create("org/damaged")
    hub.edit("org/damaged", files | {"model.safetensors": files["model.safetensors"][:-100]})
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        from_pretrained(name, **options | more)
    assert "\n" not in str(caught.value)


def test_errors_are_those_that_a_caller_would_catch(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/kinds", tmp_path / "model")
    hub.create("org/closed", gated=True)
    for name, more, kind in (
        ("org/absent", {}, MissingFileError),
        ("org/kinds", {"revision": "v9"}, MissingFileError),
        ("org/kinds", {"local_files_only": True}, MissingFileError),
        ("org/closed", {}, AccessDeniedError),
        ("org/kinds", {"token": "hf_expired"}, AccessDeniedError),
        ("org/kinds", {"endpoint": "http://127.0.0.1:9"}, NetworkError),
    ):
        with pytest.raises(UserError) as caught:
            from_pretrained(name, **options | more)
        assert type(caught.value) is kind


def test_a_forced_download_without_a_network_is_one_line(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/forced", tmp_path / "model")
    FASRGAN.from_pretrained("org/forced", **options)
    with pytest.raises(NetworkError, match="the connection to the Hub failed"):
        download(
            "org/forced",
            "config.json",
            **options | {"endpoint": "http://127.0.0.1:9", "force_download": True},
        )


def test_a_cache_that_cannot_be_written_is_one_line(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/stored", tmp_path / "model")
    (tmp_path / "file").write_text("a file where the cache should be")
    with pytest.raises(UserError, match="cannot store") as caught:
        download("org/stored", "config.json", **options | {"cache_dir": tmp_path / "file" / "cache"})
    assert type(caught.value) is FileAccessError


@pytest.mark.parametrize(
    "mistake", [OSError(28, "No space left on device"), ValueError("a"), RuntimeError("b"), KeyError("c")]
)
def test_mistakes_in_the_block_are_not_taken_for_the_clients(mistake: Exception) -> None:
    with pytest.raises(type(mistake)) as caught, hub_errors("org/model"):
        raise mistake
    assert caught.value is mistake


def test_a_generator_without_a_discriminator_is_one_line(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/alone", tmp_path / "model")
    with pytest.raises(UserError, match=r"'org/alone' on the Hub has no discriminator/config\.json"):
        UNetDiscriminator.from_pretrained("org/alone", subfolder="discriminator", **options)


def test_a_class_is_not_taken_for_another(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/class", tmp_path / "model")
    for wrong in (ESRGAN, UNetDiscriminator):
        with pytest.raises(UserError, match=f"'org/class' holds FASRGAN, not {wrong.__name__}"):
            wrong.from_pretrained("org/class", **options)


def test_a_damaged_download_comes_again_once_deleted(hub: Hub, tmp_path: Path, options) -> None:
    files = publish(hub, "org/bitrot", tmp_path / "model")
    path = download("org/bitrot", "model.safetensors", **options)
    path.resolve().write_bytes(b"\0" * 10)
    with pytest.raises(UserError, match="delete it") as caught:
        FASRGAN.from_pretrained("org/bitrot", **options)
    Path(str(caught.value).split("'")[1]).unlink()
    FASRGAN.from_pretrained("org/bitrot", **options)
    assert path.read_bytes() == files["model.safetensors"]


def test_without_a_network_the_answer_comes_at_once(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/away", tmp_path / "model")
    FASRGAN.from_pretrained("org/away", **options)
    hub.__exit__()
    try:
        started = time.monotonic()
        FASRGAN.from_pretrained("org/away", **options)
        for name in ("org/away", "org/never"):
            with pytest.raises(
                UserError,
                match=rf"the connection to the Hub failed .*; check the network .*no folder '{name}'",
            ):
                FASRGAN.from_pretrained(name, **options | {"cache_dir": tmp_path / "empty"})
        assert time.monotonic() - started < 5
    finally:
        hub.__enter__()


@pytest.mark.slow
def test_a_hub_that_says_nothing_is_left_after_ten_seconds(options) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(UserError, match="ReadTimeout"):
        from_pretrained("org/silent", **options | {"endpoint": f"http://127.0.0.1:{silent.getsockname()[1]}"})


def test_a_hiccup_of_the_hub_is_got_over(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/hiccup", tmp_path / "model")
    hub.faults.append(Fault("HEAD", "/config.json", status=503, times=2))
    FASRGAN.from_pretrained("org/hiccup", **options)
    assert not hub.faults[-1].times


@pytest.mark.slow  # the client tries again for 23 seconds
def test_a_hub_in_trouble_is_one_line(hub: Hub, tmp_path: Path, options) -> None:
    publish(hub, "org/trouble", tmp_path / "model")
    hub.faults.append(Fault("HEAD", "/config.json", status=503, times=99))
    with pytest.raises(UserError, match="the Hub is in trouble"):
        FASRGAN.from_pretrained("org/trouble", **options)


def test_a_download_goes_on_where_it_was_cut(hub: Hub, options) -> None:
    """The client keeps what it has in pieces of 10 MiB."""
    hub.create("org/cut")
    content = bytes(range(256)) * (12 * 2**20 // 256)
    hub.edit("org/cut", {"model.safetensors": content})
    hub.faults.append(Fault("GET", "/cdn/", after=11 * 2**20))
    assert download("org/cut", "model.safetensors", **options).read_bytes() == content
    ranges = [
        headers.get("range") for method, path, headers in hub.requests if method == "GET" and "/cdn/" in path
    ]
    assert ranges == [None, f"bytes={10 * 2**20}-"]


@pytest.mark.slow
def test_a_download_that_is_cut_for_good_leaves_nothing_behind(hub: Hub, tmp_path: Path, options) -> None:
    files = publish(hub, "org/gone", tmp_path / "model", seed=4)
    hub.faults.append(Fault("GET", "/cdn/", act=hub.__exit__))
    with pytest.raises(UserError, match="the connection to the Hub failed"):
        download("org/gone", "model.safetensors", **options)
    hub.__enter__()
    assert download("org/gone", "model.safetensors", **options).read_bytes() == files["model.safetensors"]


def test_the_command_line_loads_from_the_hub(hub: Hub, client: Client, tmp_path: Path, photos: Path) -> None:
    publish(hub, "org/cli", tmp_path / "model")
    image, target = photos / "0.png", tmp_path / "big.png"
    done = client.fasrgan("upscale", image, "-o", target, "--model", "org/cli", "--revision", "main")
    assert done.status == 0 and target.is_file()
    status, output, errors = client.fasrgan("upscale", image, "-o", target, "--model", "org/none")
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith("fasrgan: error: there is no 'org/none' on the Hub")
