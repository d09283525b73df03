"""Applications at the factor of a model that enlarges by 2."""

import numpy as np
import pytest
from PIL import Image
from pyarrow.parquet import read_table

from fasrgan_hub import FASRGAN, Upscaler
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.apps.dataset.upscale import upscale_dataset
from fasrgan_hub.apps.demo.limits import Limits
from fasrgan_hub.apps.demo.model_cache import UpscaleSettings
from fasrgan_hub.apps.demo.processing import SAME_FORMAT
from fasrgan_hub.apps.demo.service import Service
from fasrgan_hub.hub.model_files import model_files
from fasrgan_hub.systems import system


@pytest.fixture
def model(tmp_path):
    """A network of scale 2 with a discriminator, as training leaves them."""
    row = system("fasrgan-lite")
    generator = FASRGAN(blocks=1, features=8, growth=8, scale=2).eval()
    generator.save_pretrained(tmp_path / "x2")
    row.build_discriminator(generator, crop=32).save_pretrained(tmp_path / "x2" / "discriminator")
    return tmp_path / "x2"


@pytest.fixture
def image(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (21, 30, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "mine.png")
    return folder / "mine.png"


def test_a_dataset_grows_by_the_models_factor(model, image, tmp_path):
    for _ in upscale_dataset(Upscaler(model), f"folder:{image.parent}", tmp_path / "out"):
        pass
    (shard,) = (tmp_path / "out" / "data").glob("*.parquet")
    (row,) = read_table(shard).to_pylist()
    (tmp_path / "row.png").write_bytes(row["image"]["bytes"])
    assert np.array_equal(np.asarray(Image.open(tmp_path / "row.png")), Upscaler(model)(Image.open(image)))


def test_the_demo_upscales_by_2_in_one_pass(model, image, tmp_path):
    service = Service(Limits(megapixels=0.01, files=3), tmp_path / "results")
    service.models.downloaded["org/x2"] = model_files(model)
    settings = UpscaleSettings("org/x2", scale=2)
    result = service.upscale("me", image, settings, SAME_FORMAT, None, lambda *_: None)
    assert np.array_equal(np.asarray(Image.open(result.download)), Upscaler(model)(Image.open(image)))


def test_a_score_map_is_of_the_images_size(model, image, tmp_path):
    result = tmp_path / "big.png"
    assert main(["upscale", str(image), "--model", str(model), "-o", str(result)]) == 0
    assert main(["score-map", str(result), "--model", str(model), "-o", str(tmp_path / "map.png")]) == 0
    assert Image.open(result).size == (60, 42)
    assert min(Image.open(tmp_path / "map.png").size) >= 42
