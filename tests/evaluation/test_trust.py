"""The measure of the score map: right about discriminators whose answer is known, and about ties and blank images."""

import json

import numpy as np
import pytest
from conftest import photo
from PIL import Image
from scipy import stats

from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation.error_prediction import (
    FRACTIONS,
    ause,
    partial_correlation,
    sparsification,
    spearman,
)
from fasrgan_hub.evaluation.trust import trust
from fasrgan_hub.upscaling.score_map import ScoreMap, ScoreMapPredictor


@pytest.fixture
def hr(tmp_path):
    folder = tmp_path / "hr"
    folder.mkdir()
    for seed, size in enumerate([(64, 80), (72, 64)]):
        Image.fromarray(photo(*size, seed)).save(folder / f"{seed}.png")
    return folder


class Known(ScoreMapPredictor):
    """A predictor with an answer of our choice."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, image, progress=None):
        values = self.answer(image).astype(np.float32)
        return ScoreMap(values, float(values.mean()), 0.0)


def all_knowing(folder, sign):
    """Doubts a result (or trusts it, for sign -1) just as much as it is wrong."""
    originals = [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]

    def answer(image):
        truth = next(original for original in originals if original.shape == image.shape)
        error = np.abs(image.astype(float) - truth).mean(axis=2) / 255
        return 0.5 - sign * error / 2

    return Known(answer)


def test_rank_correlation_equals_scipys_with_ties():
    rng = np.random.default_rng(0)
    for levels in (3, 50, 10**6):
        x = rng.integers(0, levels, 500)
        y = x + rng.integers(0, levels, 500)
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
    assert spearman(np.ones(9), np.arange(9)) == 0


def test_partial_correlation_equals_that_of_the_residuals():
    rng = np.random.default_rng(0)
    z = rng.normal(size=2000)
    x, y = z + rng.normal(size=z.size), 2 * z + rng.normal(size=z.size)
    rests = [v - np.polyval(np.polyfit(z, v, 1), z) for v in (x, y)]
    xy, xz, yz = np.corrcoef([x, y, z])[[0, 0, 1], [1, 2, 2]]
    assert partial_correlation(xy, xz, yz) == pytest.approx(np.corrcoef(rests)[0, 1], abs=1e-12)
    assert partial_correlation(0.7, 0.7, 1.0) == 0


def test_sparsification_of_a_small_case_by_hand():
    error, doubt = np.array([1.0, 2.0, 3.0, 10.0]), np.array([0.1, 0.2, 0.9, 0.3])
    curve = sparsification(error, doubt)
    mean = error.mean()
    assert curve[0] == pytest.approx(1) and curve[50] == pytest.approx(1.5 / mean)
    assert curve[25] == pytest.approx((13 / 3) / mean) and curve[-1] == pytest.approx(1 / mean)
    assert len(curve) == len(FRACTIONS)


def test_ause_is_0_for_the_oracle_1_for_chance_more_when_upside_down():
    rng = np.random.default_rng(1)
    error = rng.exponential(size=20_000)
    oracle = sparsification(error, error)
    assert (np.diff(oracle) <= 1e-12).all()
    assert ause(oracle, oracle) == 0
    assert ause(sparsification(error, np.exp(error)), oracle) == pytest.approx(0, abs=1e-12)
    assert ause(sparsification(error, rng.random(20_000)), oracle) == pytest.approx(1, abs=0.05)
    assert ause(sparsification(error, -error), oracle) > 1.5


def test_a_constant_doubt_is_chance_whatever_the_order_of_the_pixels():
    error = np.sort(np.random.default_rng(2).exponential(size=20_000))
    oracle = sparsification(error, error)
    for arranged in (error, error[::-1]):
        assert ause(sparsification(arranged, np.zeros(20_000)), oracle) == pytest.approx(1, abs=0.05)
    assert ause(sparsification(np.zeros(50), np.arange(50)), sparsification(np.zeros(50), np.zeros(50))) == 0


@pytest.mark.parametrize("window", [1, 8])
def test_a_map_that_knows_the_truth_is_perfect_and_one_that_lies_is_worst(hr, window):
    report = trust("bicubic", hr=hr, discriminator=all_knowing(hr, 1), window=window)
    assert report.mean("rank", "map") > 0.9999 and abs(report.mean("ause", "map")) < 1e-3
    assert report.mean("partial_rank") > 0.9999
    assert report.mean("auc") > 0.9, "originals are without error"
    lying = trust("bicubic", hr=hr, discriminator=all_knowing(hr, -1), window=window)
    assert lying.mean("rank", "map") < -0.9999 and lying.mean("ause", "map") > 1.5


def test_the_baselines_do_not_depend_on_the_map(hr):
    good, bad = (trust("bicubic", hr=hr, discriminator=all_knowing(hr, sign)) for sign in (1, -1))
    for name, image in good.images.items():
        for predictor in ("gradient", "bicubic"):
            assert image.rank[predictor] == bad.images[name].rank[predictor]
            assert np.array_equal(image.curves[predictor], bad.images[name].curves[predictor])


def test_a_map_without_differences_separates_nothing(hr):
    report = trust("bicubic", hr=hr, discriminator=Known(lambda image: np.full(image.shape[:2], 0.25)))
    assert report.mean("auc") == 0.5 and report.mean("rank", "map") == 0
    assert report.mean("ause", "map") == pytest.approx(1, abs=0.1) and report.mean("score") == 0.25


def test_what_cannot_be_measured_is_one_line(hr, tmp_path):
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    Image.fromarray(photo(8, 12)).save(tiny / "a.png")
    with pytest.raises(UserError, match="too few"):
        trust("fasrgan-lite-x4", hr=tiny)
    with pytest.raises(UserError, match="discriminator"):
        trust("fasrgan-lite-psnr-x4", hr=hr)
    with pytest.raises(UserError):
        trust("bicubic", hr=hr)


def test_the_command_prints_draws_and_stores(hr, tmp_path, capsys):
    files = {name: tmp_path / f"{name}.png" for name in ("figure", "worst")}
    options = [argument for name, file in files.items() for argument in (f"--{name}", str(file))]
    assert main(["trust", "--hr", str(hr), "--json", str(tmp_path / "t.json"), *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0].split()[:3] == ["image", "rank", "map"] and lines[-1].startswith("mean") and len(lines) == 4
    )
    stored = json.loads((tmp_path / "t.json").read_text())
    assert stored["window"] == 8 and [image["name"] for image in stored["images"]] == ["0", "1"]
    assert f"{stored['rank']['map']:.3f}" in lines[-1]
    for file in files.values():
        assert min(Image.open(file).size) > 200
    assert main(["trust", "--hr", str(hr), "--window", "0"]) == 2
