"""`auto`: which model is chosen for which image, and what is said about it."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import photo
from example_images import noisy, photograph, sprites
from PIL import Image

from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.hub.model_files import DEFAULT_MODEL
from fasrgan_hub.images.decoded import DecodedImage
from fasrgan_hub.systems import FASRGAN
from fasrgan_hub.upscaling.model_choice import choose_model
from fasrgan_hub.upscaling.upscaler import Upscaler


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Path:
    """A model with a sibling for clean images."""
    folder = tmp_path_factory.mktemp("pair")
    torch.manual_seed(0)
    for name in ("tiny-x4", "tiny-bicubic-x4"):
        FASRGAN(blocks=1, features=4, growth=2).save_pretrained(folder / name)
    return folder / "tiny-x4"


@pytest.mark.parametrize(
    ("pixels", "model", "reason"),
    [
        (photograph("cat"), "tiny-bicubic-x4", "clean"),
        (noisy(photograph("cat"), 15), "tiny-x4", "noise of about 15 levels"),
        (sprites(), "nearest", "pixel art"),
        (sprites().repeat(3, axis=0).repeat(3, axis=1), "nearest", "pixel art, enlarged 3 times"),
    ],
)
def test_what_suits_pixels(pair, pixels, model, reason):
    choice = choose_model(DecodedImage(pixels), str(pair))
    assert (Path(choice.model).name, choice.reason) == (model, reason)


def test_what_suits_a_compressed_file(pair, tmp_path):
    from fasrgan_hub.images.reading import read_image

    for name, reason in (("a.jpg", "JPEG quality about 60"), ("a.webp", "compressed as WEBP")):
        Image.fromarray(photograph("cat")).save(tmp_path / name, quality=60)
        choice = choose_model(read_image(tmp_path / name), str(pair))
        assert (choice.model, choice.reason) == (str(pair), reason)
    with Image.open(tmp_path / "a.jpg") as image:
        image.save(tmp_path / "b.png")
    assert choose_model(read_image(tmp_path / "b.png"), str(pair)).reason == "blocks of a JPEG"


def test_without_a_sibling_clean_images_get_the_same_model(tmp_path):
    FASRGAN(blocks=1, features=4, growth=2).save_pretrained(tmp_path / "one-x4")
    choice = choose_model(DecodedImage(photograph("cat")), str(tmp_path / "one-x4"))
    assert str(choice) == f"{tmp_path / 'one-x4'}: clean"


@pytest.fixture
def images(tmp_path) -> Path:
    Image.fromarray(photo(40, 48)).save(tmp_path / "photo.jpg", quality=60)
    Image.fromarray(sprites(count=3)).save(tmp_path / "art.png")
    return tmp_path


def test_the_command_says_which_model_and_why(images, capsys):
    command = [
        "upscale",
        str(images),
        "--model",
        "auto",
        "-o",
        str(images / "out"),
        "--fidelity",
        "0.5",
        "--json",
    ]
    assert main(command) == 0
    printed = capsys.readouterr()
    assert re.search(rf"photo.png \(192x160, .*; {DEFAULT_MODEL}: JPEG quality about 60\)", printed.err)
    notes = {Path(row["source"]).name: row["note"] for row in map(json.loads, printed.out.splitlines())}
    assert notes == {"photo.jpg": f"{DEFAULT_MODEL}: JPEG quality about 60", "art.png": "nearest: pixel art"}
    art = np.asarray(Image.open(images / "out" / "art.png"))
    assert np.array_equal(art, sprites(count=3).repeat(4, axis=0).repeat(4, axis=1))
    expected = Upscaler(fidelity=0.5)(str(images / "photo.jpg"))
    assert np.array_equal(np.asarray(Image.open(images / "out" / "photo.png")), np.asarray(expected))


def test_auto_and_denoise_exclude_each_other(images, capsys):
    assert main(["upscale", str(images), "--model", "auto", "--denoise", "0.5"]) == 2
    assert "auto chooses" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--model", "bicubic"]])
def test_pixel_art_gets_a_hint_unless_a_model_is_named(images, capsys, options):
    assert main(["upscale", str(images / "art.png"), str(images / "photo.jpg"), *options]) == 0
    lines = capsys.readouterr().err.splitlines()
    hints = ["--model nearest" in line for line in lines]
    assert hints == ([True, False, False] if not options else [False] * 3)
