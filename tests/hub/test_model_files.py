"""A name becomes its files once: one look-up on the Hub for whatever is done with the model, all of one commit."""

from pathlib import Path

import pytest
from hub_client import Client
from hub_server import Fault, Hub

from fasrgan_hub import FASRGAN, UNetDiscriminator, from_pretrained
from fasrgan_hub.errors import MissingFileError
from fasrgan_hub.hub.model_files import bundled_models, model_files
from fasrgan_hub.systems import load_discriminator

TINY = {"blocks": 1, "features": 8, "growth": 4}


def save(folder: Path, width: int = 4) -> dict[str, bytes]:
    """A generator with its discriminator, whose `width` tells commits apart; the files by path."""
    FASRGAN(**TINY).save_pretrained(folder)
    UNetDiscriminator(width=width, crop=0, hidden=4, norm="none").save_pretrained(folder / "discriminator")
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def published(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> str:
    hub.create("org/one")
    hub.edit("org/one", save(tmp_path_factory.mktemp("model")))
    return "org/one"


def test_bundled_models_stand_in_the_order_of_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["fasrgan-lite-x4", "fasrgan-lite-x2", "fasrgan-x4", "fasrgan-lite-psnr-x4"]
    names += ["fasrgan-lite-bicubic-x4", "fasrgan-bicubic-x4", "fasrgan-lite-bicubic-psnr-x4"]
    for name in sorted(names):
        blocks = 1 if "lite" in name else 2
        FASRGAN(**TINY | {"blocks": blocks}, scale=int(name[-1])).save_pretrained(tmp_path / name)
    monkeypatch.setattr("fasrgan_hub.hub.model_files.BUNDLED", tmp_path)
    assert bundled_models() == names


def requested(hub: Hub) -> list[str]:
    """The files that were requested, in order; several requests for one in a row count once."""
    paths = [
        path.partition("/resolve/")[2].partition("/")[2] for _, path, _ in hub.requests if "/resolve/" in path
    ]
    return [path for path, before in zip(paths, [None, *paths], strict=False) if path != before]


def test_an_upscaler_looks_each_file_up_once(hub: Hub, client: Client, published: str) -> None:
    use = f"""
import numpy as np
from fasrgan_hub import Upscaler
upscaler = Upscaler({published!r}, engine="torch")
upscaler(np.zeros((8, 8, 3), np.uint8))
print(upscaler.score_map(np.zeros((32, 32, 3), np.uint8)).score >= 0)
"""
    files = [
        "config.json",
        "model.safetensors",
        "discriminator/config.json",
        "discriminator/model.safetensors",
    ]
    assert client.python(use).output == "True\n"
    assert requested(hub) == files
    hub.requests.clear()
    assert client.python(use).output == "True\n"
    assert [(method, path) for method, path, _ in hub.requests] == [
        ("HEAD", f"/{published}/resolve/main/config.json")
    ]


def test_the_discriminator_is_of_the_generators_commit(hub: Hub, tmp_path: Path) -> None:
    hub.create("org/pair")
    hub.edit("org/pair", save(tmp_path / "old", width=4))
    options = {"endpoint": hub.url, "cache_dir": tmp_path / "cache", "token": False}
    hub.faults.append(
        Fault("HEAD", "/model.safetensors", act=lambda: hub.edit("org/pair", save(tmp_path / "new", width=8)))
    )
    files = model_files("org/pair", **options)
    assert from_pretrained(files).config["features"] == 8
    assert load_discriminator(files).config["width"] == 4
    assert load_discriminator("org/pair", **options).config["width"] == 8
    assert files.commit != model_files("org/pair", **options).commit


def test_force_download_downloads_each_file_once(hub: Hub, tmp_path: Path, published: str) -> None:
    options = {"endpoint": hub.url, "cache_dir": tmp_path / "cache", "token": False}
    from_pretrained(published, **options)
    hub.requests.clear()
    from_pretrained(published, force_download=True, **options)
    assert requested(hub) == ["config.json", "model.safetensors"]


def test_a_local_model_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    files = model_files("model")
    monkeypatch.chdir("/")
    assert (files.name, files.class_name, files.commit) == ("model", "FASRGAN", None)
    assert from_pretrained(files).config["features"] == 8
    assert load_discriminator(files).config["width"] == 4
    (tmp_path / "model" / "discriminator" / "model.safetensors").unlink()
    with pytest.raises(MissingFileError, match=r"model' has no model\.safetensors"):
        load_discriminator(tmp_path / "model")
