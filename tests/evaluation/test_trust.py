"""The measure of the maps: right about maps whose answer is known, and about ties and blank images."""

import json

import numpy as np
import pytest
from conftest import photo
from PIL import Image
from scipy import stats

from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation.calibration import Calibration
from fasrgan_hub.evaluation.error_prediction import (
    FRACTIONS,
    ause,
    partial_correlation,
    sparsification,
    spearman,
)
from fasrgan_hub.evaluation.trust import BASELINES, trust
from fasrgan_hub.upscaling.maps import KINDS, ErrorMap
from fasrgan_hub.upscaling.score_map import ScoreMap, ScoreMapPredictor
from fasrgan_hub.upscaling.upscaler import Upscaler


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
    assert report.predictors == ("generated", *BASELINES)
    assert report.mean("rank", "generated") > 0.9999 and abs(report.mean("ause", "generated")) < 1e-3
    assert report.mean("partial_rank", "generated") > 0.9999
    assert report.mean("auc", "generated") > 0.9, "originals are without error"
    lying = trust("bicubic", hr=hr, discriminator=all_knowing(hr, -1), window=window)
    assert lying.mean("rank", "generated") < -0.9999 and lying.mean("ause", "generated") > 1.5


class KnownError:
    """An error map that is the true error times a factor."""

    def __init__(self, folder, factor):
        self.originals = [np.asarray(Image.open(path)) for path in sorted(folder.iterdir())]
        self.factor = factor

    def __call__(self, image, result):
        truth = next(original for original in self.originals if original.shape == result.shape)
        error = np.abs(result.astype(np.float32) - truth).mean(axis=2)
        return ErrorMap(np.float32(self.factor) * error)


@pytest.mark.parametrize("factor", [1, 2])
def test_the_calibration_is_the_factor_by_which_errors_are_expected_too_large(hr, factor):
    upscaler = Upscaler("bicubic")
    upscaler.error_predictor = KnownError(hr, factor)
    report = trust(upscaler, hr=hr)
    assert report.predictors == ("error", *BASELINES) and report.mean("rank", "error") > 0.9999
    calibration = report.calibration
    filled = calibration.counts > 0
    assert calibration.ratios[filled] == pytest.approx(1 / factor, rel=1e-3)
    assert calibration.worst == pytest.approx(1 - 1 / factor, abs=1e-3)
    assert calibration.pixels == 64 * 80 + 72 * 64
    assert (calibration.likely > 1.2 * calibration.off) == (factor == 2)
    assert calibration.counts.sum() == sum((side - 15) * (other - 15) for side, other in ((64, 80), (72, 64)))


def test_calibration_by_hand():
    predicted, true = np.array([0.5, 1.5, 1.5, 30]), np.array([1, 1, 2, 60.0])
    twice = Calibration.total([Calibration.of(predicted, true, 0.3, true > 10)] * 2)
    assert twice.counts.tolist() == [2, 4, 0, 0, 0, 0, 0, 0, 0, 2]
    assert twice.ratios[[0, 1, 9]].tolist() == [2, 1, 2] and np.isnan(twice.ratios[2])
    assert (twice.likely, twice.off, twice.pixels, twice.worst) == (pytest.approx(2.4), 2, 8, 1)
    assert twice.to_dict()["true"][:3] == [1, 1.5, None]


def test_the_baselines_do_not_depend_on_the_map(hr):
    good, bad = (trust("bicubic", hr=hr, discriminator=all_knowing(hr, sign)) for sign in (1, -1))
    for name, image in good.images.items():
        for predictor in BASELINES:
            measures, others = (each.measures[predictor] for each in (image, bad.images[name]))
            assert measures.rank == others.rank and np.array_equal(measures.curve, others.curve)


def test_a_map_without_differences_separates_nothing(hr):
    report = trust("bicubic", hr=hr, discriminator=Known(lambda image: np.full(image.shape[:2], 0.25)))
    assert report.mean("auc", "generated") == 0.5 and report.mean("rank", "generated") == 0
    assert report.mean("ause", "generated") == pytest.approx(1, abs=0.1)
    assert report.mean("score", "generated") == 0.25


def test_what_cannot_be_measured_is_one_line(hr, tmp_path):
    tiny = tmp_path / "tiny"
    tiny.mkdir()
    Image.fromarray(photo(8, 12)).save(tiny / "a.png")
    with pytest.raises(UserError, match="too few"):
        trust("fasrgan-lite-x4", hr=tiny)
    with pytest.raises(UserError, match="discriminator"):
        trust("fasrgan-lite-psnr-x4", hr=hr, kinds=["generated"])
    with pytest.raises(UserError, match="no maps"):
        trust("bicubic", hr=hr)
    small = tmp_path / "small"
    small.mkdir()
    for path in hr.iterdir():
        Image.open(path).reduce(2).save(small / path.name)
    with pytest.raises(UserError, match="it should be the model's scale times its LR image"):
        trust("fasrgan-lite-x4", hr=hr, lr=small, kinds=["error"])


@pytest.mark.parametrize(
    ("option", "name", "reason"),
    [
        ("--worst", "hr/0.png", "would lie among the images"),
        ("--figure", "a.foo", "must end in .png, .pdf, .svg"),
        ("--json", "hr/0.png", "must end in .json"),
        ("--json", "nowhere/a.json", "there is no folder"),
    ],
)
def test_a_report_is_refused_before_the_work_and_writes_over_no_image(hr, capsys, option, name, reason):
    before = (hr / "0.png").read_bytes()
    assert main(["trust", "no-such-model", "--hr", str(hr), option, str(hr.parent / name)]) == 2
    error = capsys.readouterr().err
    assert reason in error and error.count("\n") == 1 and (hr / "0.png").read_bytes() == before


def test_the_command_prints_draws_and_stores(hr, tmp_path, capsys):
    files = {name: tmp_path / f"{name}.png" for name in ("figure", "worst")}
    options = [argument for name, file in files.items() for argument in (f"--{name}", str(file))]
    command = ["trust", "--hr", str(hr), "--degrade", "web", "--json", str(tmp_path / "t.json"), *options]
    assert main(command) == 0
    printed = capsys.readouterr().out
    lines = printed.splitlines()
    assert lines[0].split()[:3] == ["predictor", "clean", "rank"] and lines[0].split()[-2:] == [
        "web",
        "beyond",
    ]
    assert [line.split()[0] for line in lines[1:7]] == [*KINDS, *BASELINES]
    assert printed.count("expected error, farthest") == printed.count("told apart with AUC") == 2
    stored = json.loads((tmp_path / "t.json").read_text())
    assert stored["web"]["window"] == 8 and [image["name"] for image in stored["clean"]["images"]] == [
        "0",
        "1",
    ]
    assert f"{stored['clean']['error']['rank']:.3f}" == lines[1].split()[1]
    assert stored["clean"]["error"]["rank"] != stored["web"]["error"]["rank"]
    for file in files.values():
        for drawn in (file, file.with_stem(f"{file.stem}-web")):
            assert min(Image.open(drawn).size) > 200
    assert main(["trust", "--hr", str(hr), "--window", "0"]) == 2
    assert main(["trust", "--hr", str(hr), "--kinds", "error,wrong"]) == 2
    assert "no map 'wrong'" in capsys.readouterr().err
