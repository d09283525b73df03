"""The bundled models are what their cards and the README say."""

import json
import os
import re
from importlib.metadata import metadata
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from example_images import photograph
from PIL import Image

import fasrgan_hub
from fasrgan_hub import ScoreMapPredictor, UNetDiscriminator, Upscaler, evaluate
from fasrgan_hub.evaluation.trust import BASELINES, trust
from fasrgan_hub.hub.model_files import BUNDLED, DEFAULT_MODEL, bundled_models
from fasrgan_hub.training.recipes import make_config

FACE = Path(fasrgan_hub.__file__).parent / "apps/demo/examples/face.png"
BENCHMARKS = os.environ.get("FASRGAN_BENCHMARKS")


MODELS = {
    # Least PSNR on Set5 and Set14, most LPIPS.
    "fasrgan-lite-x4": ((28.0, 25.5), (0.08, 0.1187)),
    "fasrgan-lite-x2": ((30.5, 27.5), (0.06, 0.10)),
    "fasrgan-medium-x4": ((28.0, 25.5), (0.0896, 0.1187)),
    "fasrgan-x4": ((28.0, 25.5), (0.07, 0.1)),
    "fasrgan-lite-psnr-x4": ((30.2, 27.3), (0.11, 0.165)),
    "fasrgan-lite-psnr-x2": ((35.6, 31.5), (0.04, 0.065)),
    "fasrgan-lite-bicubic-x4": ((0.0, 0.0), (0.075, 0.1187)),
    "fasrgan-bicubic-x4": ((29.6, 26.3), (0.0425, 0.08)),
    "fasrgan-lite-bicubic-psnr-x4": ((31.4, 28.1), (0.09, 0.15)),
}


def test_every_model_is_bundled_with_its_card():
    assert bundled_models() == list(MODELS)
    for name in bundled_models():
        assert (BUNDLED / name / "curves.png").is_file()


@pytest.mark.parametrize("name", bundled_models())
def test_the_card_has_the_sizes_of_the_weights(name):
    card = (BUNDLED / name / "README.md").read_text()
    (text,) = re.findall(r"The whole configuration</summary>\n\n```yaml\n(.*?)```", card, re.S)
    config = make_config(yaml.safe_load(text) | {"output": "anywhere"})
    row, sizes = config.system_row(), json.loads((BUNDLED / name / "config.json").read_text())
    assert sizes["_model_class"] == row.generator.__name__
    assert row.generator_args.items() <= sizes.items()


@pytest.mark.parametrize("name", bundled_models())
def test_the_license_of_the_card_is_one_of_the_package(name):
    front = yaml.safe_load((BUNDLED / name / "README.md").read_text().split("---\n")[1])
    package = re.findall(
        r"[\w.-]+", metadata("fasrgan-hub")["License-Expression"].lower().replace(" and ", " ")
    )
    assert front["license"] in package
    assert front["license"] == "apache-2.0" or (BUNDLED / name / "LICENSE").is_file()


@pytest.mark.parametrize("name", bundled_models())
def test_bundled_models_enlarge(name):
    model = fasrgan_hub.from_pretrained(name)
    with torch.inference_mode():
        sr = model(torch.full((1, 3, 24, 20), 0.5))
    scale = int(name[-1])
    assert model.scale == scale and sr.shape == (1, 3, scale * 24, scale * 20)
    border = slice(4 * scale, -4 * scale)
    inner = sr[..., border, border]
    assert (inner - 0.5).abs().max() < 0.03, "gray stays gray, but for a slight cast"
    assert inner.std(dim=(2, 3)).max() < 1 / 255, "and flat: no checkerboard that 8 bits show"


@pytest.mark.slow
@pytest.mark.parametrize(("runtime", "engine"), [("openvino", "openvino"), ("onnxruntime", "onnx")])
@pytest.mark.parametrize("name", bundled_models())
def test_every_engine_enlarges_alike(name, runtime, engine):
    pytest.importorskip(runtime)
    image = photograph("cat")[:24, :20]
    exact = Upscaler(name, engine="torch", precision="f32")(image)
    assert exact.shape == (int(name[-1]) * 24, int(name[-1]) * 20, 3)
    assert np.abs(Upscaler(name, engine=engine, precision="f32")(image) - exact.astype(int)).max() <= 1
    fastest = Upscaler(name, engine=engine)
    assert np.abs(fastest(image) - exact.astype(int)).mean() < 1, fastest.engine_name


def test_the_discriminator_comes_along():
    discriminator = UNetDiscriminator.from_pretrained("fasrgan-lite-x4", subfolder="discriminator")
    image, score_map = discriminator(torch.rand(1, 3, 40, 50))
    assert score_map.shape == (1, 3, 40, 50)
    assert torch.isfinite(image).all()


@pytest.mark.slow
def test_a_scarred_face_looks_more_generated_than_a_clean_one():
    """A model for clean images enlarges the blocks of a JPEG of quality 60 into scars; the default removes them."""
    file = BytesIO()
    Image.open(FACE).convert("RGB").save(file, "JPEG", quality=60)
    face = np.asarray(Image.open(file))
    exact = {"engine": "torch", "precision": "f32"}
    scarred, clean = (Upscaler(name, **exact)(face) for name in ("fasrgan-lite-bicubic-x4", DEFAULT_MODEL))
    predictor = ScoreMapPredictor(DEFAULT_MODEL)
    assert predictor(scarred).score < 0.6 * predictor(clean).score


def card_scores(name):
    front = (BUNDLED / name / "README.md").read_text().split("---\n")[1]
    results = yaml.safe_load(front)["model-index"][0]["results"]
    return {
        (result["dataset"]["name"], metric["type"]): metric["value"]
        for result in results
        for metric in result["metrics"]
    }


@pytest.mark.slow
@pytest.mark.skipif(not BENCHMARKS, reason="FASRGAN_BENCHMARKS does not name the folder of Set5 and Set14")
@pytest.mark.parametrize("name", MODELS)
def test_scores_are_those_of_the_card(name):
    recorded = card_scores(name)
    for benchmark, least_psnr, most_lpips in zip(("Set5", "Set14"), *MODELS[name], strict=True):
        folder = Path(BENCHMARKS or "", benchmark)
        lr = folder / "LR_x4" if name.endswith("-x4") else None  # MATLAB's bicubic of HR else
        measured = evaluate(name, hr=folder / "HR", lr=lr, metrics="psnr,ssim,lpips").means
        assert measured["psnr"] >= least_psnr
        assert measured["lpips"] <= most_lpips
        for metric, value in measured.items():
            assert value == pytest.approx(recorded[benchmark, metric], rel=2e-3), (benchmark, metric)


@pytest.mark.slow
@pytest.mark.skipif(not BENCHMARKS, reason="FASRGAN_BENCHMARKS does not name the folder of Set5 and Set14")
@pytest.mark.parametrize(("name", "least_auc"), [("fasrgan-lite-x4", 0.94), ("fasrgan-medium-x4", 0.97)])
def test_the_maps_rank_errors_and_tell_results_from_photographs(name, least_auc):
    for benchmark, least_rank, most_ause in (("Set5", 0.895, 0.065), ("Set14", 0.855, 0.12)):
        folder = Path(BENCHMARKS or "", benchmark)
        report = trust(name, hr=folder / "HR", lr=folder / "LR_x4", kinds=["error", "generated"])
        assert report.mean("rank", "error") >= least_rank and report.mean("ause", "error") <= most_ause
        assert report.mean("auc", "generated") >= least_auc
        for baseline in BASELINES:
            assert report.mean("rank", "error") > 0.03 + report.mean("rank", baseline)
            assert report.mean("ause", "error") < report.mean("ause", baseline) - 0.03
