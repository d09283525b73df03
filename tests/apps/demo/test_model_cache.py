"""Models of the Hub in the demo: their largest size, the files that they leave, and whose discriminator scores."""

import json

import numpy as np
import pytest
import torch
from conftest import photo
from hub_client import Client
from hub_server import Fault, Hub

from fasrgan_hub import FASRGAN, SRGAN, UNetDiscriminator, Upscaler
from fasrgan_hub.apps.demo.model_cache import MAX_SIZES, ModelCache, UpscaleSettings, check_sizes
from fasrgan_hub.errors import UserError
from fasrgan_hub.hub.model_files import DEFAULT_MODEL, model_files
from fasrgan_hub.systems import SYSTEMS
from fasrgan_hub.upscaling.tiles import TILE

SETUP = """
import os
from pathlib import Path
from fasrgan_hub import from_pretrained
from fasrgan_hub.apps.demo.model_cache import ModelCache, UpscaleSettings
from fasrgan_hub.errors import UserError
from fasrgan_hub.hub.model_files import model_files

cache = ModelCache(200)

def show(work):
    try:
        print(work())
    except UserError as error:
        print(error)
"""
CONFIG = {"_model_class": "FASRGAN", "blocks": 1, "features": 8, "growth": 4}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, bytes]:
    """A small model with its discriminator."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    FASRGAN(blocks=1, features=8, growth=4).save_pretrained(folder)
    UNetDiscriminator(width=4, crop=0, hidden=8).save_pretrained(folder / "discriminator")
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*s*n*")}


@pytest.fixture
def name(hub: Hub, files, request) -> str:
    """A repository of the test's own that holds the model."""
    name = f"org/{request.node.name[:60].strip('_')}"
    hub.create(name)
    hub.edit(name, files)
    return name


def ask(client: Client, code: str) -> str:
    """What is printed by code that sees a new cache."""
    return client.python(SETUP + code).output.strip()


@pytest.mark.parametrize(("fidelity", "denoise"), [(0.5, 1), (0, 0.3), (1, 0), (0.5, 0.5)])
def test_the_sliders_move_between_the_bundled_models(tmp_path, monkeypatch, fidelity, denoise):
    torch.manual_seed(2)
    for part in ("", "-psnr", "-bicubic", "-bicubic-psnr"):
        FASRGAN(blocks=1, features=8, growth=4).save_pretrained(tmp_path / f"tiny{part}-x4")
    expected = Upscaler(tmp_path / "tiny-x4", fidelity=fidelity, denoise=denoise, tile=TILE)
    monkeypatch.setattr("fasrgan_hub.hub.model_files.BUNDLED", tmp_path)
    settings = UpscaleSettings("tiny-x4", fidelity, denoise=denoise)
    image = photo(9, 8)
    assert np.array_equal(ModelCache(200).upscaler(settings)(image), expected(image))
    with pytest.raises(UserError, match=r"'tiny-bicubic-x4' names no sibling for clean images"):
        ModelCache(200).upscaler(UpscaleSettings("tiny-bicubic-x4", denoise=0.5))


@pytest.mark.parametrize(
    ("model", "scale"), [("fasrgan-lite-x2", 2), ("fasrgan-medium-x4", 4), ("org/any", 4)]
)
def test_the_page_offers_no_more_than_the_models_factor(tmp_path, monkeypatch, model, scale):
    for name in ("fasrgan-medium-x4", "fasrgan-lite-x2"):
        FASRGAN(blocks=1, features=8, growth=4, scale=int(name[-1])).save_pretrained(tmp_path / name)
    monkeypatch.setattr("fasrgan_hub.hub.model_files.BUNDLED", tmp_path)
    pytest.importorskip("gradio")
    from fasrgan_hub.apps.demo.controls import _suit_model

    fidelity, denoise, chosen = _suit_model(model, 4)
    assert chosen == scale and _suit_model(model, 2)[2] == 2
    assert fidelity["visible"] == denoise["visible"] == ("/" in model)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_papers_networks_are_small_enough(name):
    with torch.device("meta"):
        generator = SYSTEMS[name].build_generator()
        discriminator = SYSTEMS[name].build_discriminator(generator, 192)
    check_sizes(generator.config, name)
    check_sizes(discriminator.config, name)


@pytest.mark.parametrize(("size", "value"), [("blocks", 128), ("features", 800), ("crop", 512)])
def test_larger_ones_are_not(size, value):
    with pytest.raises(UserError, match=f"'org/large' is too large for this page: its {size} is {value}"):
        check_sizes({"_model_class": "X", size: value}, "org/large")


def test_weights_of_a_network_that_is_too_large_are_not_downloaded(hub, client, files):
    hub.create("org/large")
    hub.edit("org/large", files | {"config.json": json.dumps(CONFIG | {"features": 800}).encode()})
    code = 'show(lambda: cache.upscaler(UpscaleSettings("org/large"))); print(os.listdir(cache._cache_folder("org")))'
    assert ask(client, code).splitlines() == [
        "'org/large' is too large for this page: its features is 800, and at most 64 is accepted; "
        "run fasrgan on your own machine",
        "[]",
    ]
    assert not [
        path for _, path, _ in hub.requests if path.startswith("/org/large") and "safetensors" in path
    ]


def test_a_discriminator_that_is_too_large_does_not_score(hub, client, files):
    config = json.loads(files["discriminator/config.json"]) | {"crop": 4096}
    hub.create("org/large-discriminator")
    hub.edit("org/large-discriminator", files | {"discriminator/config.json": json.dumps(config).encode()})
    assert "its crop is 4096" in ask(
        client, 'show(lambda: cache.score_map_predictor("org/large-discriminator"))'
    )


def test_tiles_do_not_grow_with_the_depth_of_the_network(tmp_path):
    SRGAN(blocks=MAX_SIZES["blocks"], features=1).save_pretrained(tmp_path)
    cache = ModelCache(200)
    cache.downloaded["org/deep"] = model_files(tmp_path)
    assert cache.upscaler(UpscaleSettings("org/deep")).tile == TILE


def test_a_config_of_megabytes_is_not_read(hub, client, files):
    hub.create("org/wordy")
    hub.edit("org/wordy", files | {"config.json": files["config.json"] + bytes(10**6)})
    output = ask(client, 'show(lambda: cache.upscaler(UpscaleSettings("org/wordy")))')
    assert output == "config.json of 'org/wordy' is larger than 0.1 MB"


def test_a_downloaded_model_leaves_nothing_in_the_cache_of_engines(name, hub, tmp_path):
    client = Client(hub, tmp_path / "home", FASRGAN_HUB_CACHE=str(tmp_path / "cache"))
    assert ask(client, f'show(lambda: cache.upscaler(UpscaleSettings("{name}")).tile)') == "256"
    assert not list(tmp_path.glob("cache/**/*.*"))
    client.process.kill()


def test_models_that_were_not_used_for_longest_are_deleted(hub, client, files):
    for name in "abc":
        hub.create(f"org/{name}")
        hub.edit(f"org/{name}", files)
    code = """
from fasrgan_hub.apps.demo import model_cache as module
module.MAX_DOWNLOADED = 2
for name in "abc":
    cache.score_map_predictor(f"org/{name}")
    cache.upscaler(UpscaleSettings(f"org/{name}"))
print(sorted(os.listdir(cache._cache_folder("org"))))
"""
    assert ask(client, code) == "['b', 'c']"


def test_its_own_discriminator_scores_also_where_the_cache_had_the_generator(name, client):
    assert (
        ask(client, f'from_pretrained("{name}"); show(lambda: cache.score_map_predictor("{name}").name)')
        == name
    )


def test_a_discriminator_that_could_not_be_downloaded_is_tried_again(name, hub, client):
    hub.faults.append(Fault("HEAD", "/discriminator/config.json", 503))
    output = ask(
        client, f'[show(lambda: cache.score_map_predictor("{name}").name) for _ in range(2)]'
    ).splitlines()
    assert "the Hub is in trouble" in output[0] and output[1] == name


def test_without_one_the_default_models_scores_and_its_name_says_so(hub, client, files):
    hub.create("org/alone")
    hub.edit("org/alone", {path: content for path, content in files.items() if "/" not in path})
    code = """
for model in ("org/alone", "bicubic", "fasrgan-lite-psnr-x4"):
    show(lambda: cache.score_map_predictor(model).name)
"""
    assert ask(client, code).splitlines() == [DEFAULT_MODEL] * 3
