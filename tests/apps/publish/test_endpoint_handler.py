"""handler.py as Inference Endpoints use it: from a pushed repository, without anything else of this checkout."""

import base64
import importlib.util
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import photo
from hub_client import Client
from hub_server import Hub
from PIL import Image

from fasrgan_hub import FASRGAN, Upscaler
from fasrgan_hub.apps.cli.main import main

TINY = {"blocks": 1, "features": 4, "growth": 2}


@pytest.fixture(scope="module")
def repository(hub: Hub, client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a repository that was pushed with --endpoint, in a folder."""
    torch.manual_seed(0)
    model, folder = tmp_path_factory.mktemp("model"), tmp_path_factory.mktemp("repository")
    FASRGAN(**TINY).save_pretrained(model)
    assert client.fasrgan("push", model, "org/endpoint", "--endpoint").errors == ""
    for name, content in hub.files("org/endpoint").items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def handler(repository: Path):
    """What the endpoint makes of handler.py: the class, constructed with the folder."""
    spec = importlib.util.spec_from_file_location("handler", repository / "handler.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EndpointHandler(str(repository))


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


PIXELS = photo(20, 30)


def test_the_requirements_name_the_package(repository: Path) -> None:
    assert (repository / "requirements.txt").read_text().startswith("fasrgan-hub>=")


@pytest.mark.parametrize("kind", ["bytes", "base64", "data url", "image"])
def test_every_kind_of_image_is_enlarged(handler, repository: Path, kind: str) -> None:
    text = base64.b64encode(png(PIXELS)).decode()
    inputs = {
        "bytes": png(PIXELS),
        "base64": text,
        "data url": f"data:image/png;base64,{text}",
        "image": Image.fromarray(PIXELS),
    }[kind]
    result = handler({"inputs": inputs})
    assert np.array_equal(np.asarray(result), Upscaler(str(repository))(PIXELS))


def test_a_request_in_json_and_its_parameters(handler, repository: Path) -> None:
    alpha = np.dstack([PIXELS, np.full(PIXELS.shape[:2], 128, np.uint8)])
    body = json.dumps(
        {
            "inputs": base64.b64encode(png(alpha)).decode(),
            "parameters": {"scale": 2, "match_color": True, "edges": "wrap"},
        }
    )
    result = handler(json.loads(body))
    expected = Upscaler(str(repository), scale=2, match_color=True, edges="wrap")(alpha)
    assert result.mode == "RGBA" and np.array_equal(np.asarray(result), expected)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"inputs": "a photograph of a cat, large"}, "is text, not an image; send an image"),
        ({"inputs": "photographic"}, "no image that can be read"),
        ({"inputs": b"not an image"}, "no image that can be read"),
        ({"inputs": png(PIXELS)[:-200]}, "is a damaged image; send an image"),
        ({"inputs": None}, "no image but NoneType"),
        ({}, "no image but NoneType"),
        ({"inputs": [1, 2]}, "no image but list"),
        ({"inputs": Image.new("1", (5000, 4000))}, "more than 16 megapixels"),
        ({"inputs": png(np.zeros((4000, 5000), np.uint8))}, "more than 16 megapixels"),
        ({"inputs": png(PIXELS), "parameters": {"prompt": "sharp"}}, "'parameters' may hold"),
        ({"inputs": png(PIXELS), "parameters": "scale=2"}, "'parameters' may hold"),
        ({"inputs": png(PIXELS), "parameters": {"scale": 40}}, "scale 40 is out of range"),
        ({"inputs": png(PIXELS), "parameters": {"scale": 16}}, "scale 16 is more than this model's, 4"),
        ({"inputs": png(PIXELS), "parameters": {"tile": 0}}, "'parameters' may hold"),
        ({"inputs": png(PIXELS), "parameters": {"scale": "big"}}, "'parameters' cannot be used"),
        ({"inputs": png(PIXELS), "parameters": {"scale": [2]}}, "'parameters' cannot be used"),
    ],
)
def test_what_is_no_image_is_refused_with_a_sentence(handler, data: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")) as caught:
        handler(data)
    assert "\n" not in str(caught.value)


def test_files_of_the_model_folder_go_before_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FASRGAN(**TINY).save_pretrained(tmp_path)
    (tmp_path / "requirements.txt").write_text("fasrgan-hub @ git+https://example.org/x\n")
    assert main(["push", str(tmp_path), "org/x", "--dry-run"]) == 0
    assert "requirements.txt" not in capsys.readouterr().out
    assert main(["push", str(tmp_path), "org/x", "--endpoint", "--dry-run"]) == 0
    output = capsys.readouterr().out
    assert "40 bytes  requirements.txt" in output and "handler.py" in output
