"""The bundled models are what their cards and the README say."""

import os
from pathlib import Path

import pytest
import torch
import yaml

import fasrgan_hub
from fasrgan_hub import UNetDiscriminator, evaluate
from fasrgan_hub.hub.model_files import BUNDLED, bundled_models

BENCHMARKS = os.environ.get("FASRGAN_BENCHMARKS")


def test_both_models_are_bundled_with_their_cards():
    assert bundled_models() == ["fasrgan-lite-psnr-x4", "fasrgan-lite-x4"]
    for name in bundled_models():
        assert (BUNDLED / name / "curves.png").is_file()


@pytest.mark.parametrize("name", bundled_models())
def test_bundled_models_enlarge(name):
    model = fasrgan_hub.from_pretrained(name)
    with torch.inference_mode():
        sr = model(torch.full((1, 3, 24, 20), 0.5))
    assert sr.shape == (1, 3, 96, 80)
    inner = sr[..., 16:-16, 16:-16]
    assert (inner - 0.5).abs().max() < 0.03, "gray stays gray, but for a slight cast"
    assert inner.std(dim=(2, 3)).max() < 0.002, "and flat: no checkerboard"


def test_the_discriminator_comes_along():
    discriminator = UNetDiscriminator.from_pretrained("fasrgan-lite-x4", subfolder="discriminator")
    image, score_map = discriminator(torch.rand(1, 3, 40, 50))
    assert score_map.shape == (1, 3, 40, 50)
    assert torch.isfinite(image).all()


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
@pytest.mark.parametrize(
    ("name", "least_psnr", "most_lpips"),
    [
        ("fasrgan-lite-psnr-x4", {"Set5": 30.8, "Set14": 27.6}, {}),
        ("fasrgan-lite-x4", {}, {"Set5": 0.075, "Set14": 0.1187}),
    ],
)
def test_scores_are_those_of_the_card(name, least_psnr, most_lpips):
    told = card_scores(name)
    for benchmark in ("Set5", "Set14"):
        folder = Path(BENCHMARKS or "", benchmark)
        measured = evaluate(name, hr=folder / "HR", lr=folder / "LR_x4", metrics="psnr,ssim,lpips").means
        assert measured["psnr"] >= least_psnr.get(benchmark, 0)
        assert measured["lpips"] <= most_lpips.get(benchmark, 1)
        for metric, value in measured.items():
            assert value == pytest.approx(told[benchmark, metric], rel=2e-3), (benchmark, metric)
