"""Benchmarks with degraded LR images: the same files every time, scored and tabulated beside the clean ones."""

import json

import numpy as np
import pytest
from conftest import photo
from PIL import Image

from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.data.degradations import PRESETS
from fasrgan_hub.data.degradations.fixed import degrade_image
from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation import degraded, evaluate
from fasrgan_hub.evaluation.benchmarks import make_benchmark
from fasrgan_hub.evaluation.degraded import degrade_benchmark, read_conditions
from fasrgan_hub.metrics.distortion import lr_psnr


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FASRGAN_HUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def originals(tmp_path):
    folder = tmp_path / "Mine"
    folder.mkdir()
    for index, sides in enumerate([(64, 80), (71, 66)]):
        Image.fromarray(photo(*sides, seed=index)).save(folder / f"{index}.png")
    return folder


def test_lr_images_depend_on_the_original_its_name_the_condition_and_the_seed(originals):
    benchmark = make_benchmark(originals, None)
    web, camera = read_conditions("web,camera")
    first = degrade_benchmark(benchmark, web)
    assert first.name == "Mine web" and [hr.name for hr, _ in first.pairs] == ["0.png", "1.png"]
    for hr, lr in first.pairs:
        expected = degrade_image(np.asarray(Image.open(hr)), hr.stem, PRESETS["web"])
        assert np.array_equal(np.asarray(Image.open(lr)), expected)
    stamps = [lr.stat().st_mtime_ns for _, lr in first.pairs]
    assert [lr.stat().st_mtime_ns for _, lr in degrade_benchmark(benchmark, web).pairs] == stamps
    keys = {
        first.key,
        degrade_benchmark(benchmark, camera).key,
        degrade_benchmark(benchmark, web, seed=1).key,
    }
    assert len(keys) == 3


def test_conditions_are_read(tmp_path):
    (tmp_path / "mine.yaml").write_text("[resize, codec: {quality: 10}]")
    assert [each.name for each in read_conditions(f"web, real,{tmp_path}/mine.yaml")] == [
        "web",
        "real",
        "mine",
    ]
    (mixed,) = read_conditions("web=0.5,real=0.5")
    assert mixed.name == "mixed" and len(mixed.mixture.parts) == 5
    for text, message in [
        ("web,web", "--degrade web,web: web is there twice"),
        ("clean,web", "clean needs no --degrade"),
        ("webb", "there is no degradation 'webb'"),
    ]:
        with pytest.raises(UserError, match=message):
            read_conditions(text)


def test_differing_encoders_are_reported(originals, monkeypatch):
    monkeypatch.setattr(degraded, "differing_codecs", lambda: pytest.fail("asked"))
    with pytest.raises(pytest.fail.Exception, match="asked"):
        degrade_benchmark(make_benchmark(originals, None), read_conditions("web")[0])


def test_clean_and_degraded_scores_stand_side_by_side(originals, tmp_path, capsys):
    line = ["evaluate", "bicubic", "--hr", str(originals), "--degrade", "web,real", "--no-cache"]
    out = tmp_path / "out"
    assert main([*line, "--metrics", "psnr,lr-psnr", "-o", str(out), "--json", str(tmp_path / "a.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [number for number, text in enumerate(lines) if text.split() == ["clean", "web", "real"]]
    assert [lines[number - 2] for number in heads] == [
        "PSNR (higher is better); Y, border 4",
        "LR-PSNR (higher is better); Y, border 4",
    ]
    name, method, *scores = lines[heads[0] + 1].split()
    assert (name, method) == ("Mine", "bicubic")
    clean, web, real = map(float, scores)
    assert clean > web > real
    by_set = {
        entry["set"]: entry["metrics"]["psnr"] for entry in json.loads((tmp_path / "a.json").read_text())
    }
    assert by_set == pytest.approx({"Mine": clean, "Mine web": web, "Mine real": real}, abs=0.006)
    assert "| Mine | bicubic |" in (out / "scores-psnr.md").read_text()
    assert "Mine real" in (out / "scores.csv").read_text()


def test_finished_images_cannot_be_degraded(originals, capsys):
    assert main(["evaluate", "--sr", str(originals), "--hr", str(originals), "--degrade", "web"]) == 2
    assert "it goes with models, not with finished images" in capsys.readouterr().err
    assert (
        main(["evaluate", "bicubic", "--hr", str(originals), "--degrade", "web", "--degrade-seed", "-1"]) == 2
    )
    assert "--degrade-seed is -1" in capsys.readouterr().err


def test_finished_images_have_an_lr_psnr_too(originals, tmp_path):
    """Against what the benchmark gives as LR image, else the original's bicubic."""
    finished = tmp_path / "finished"
    finished.mkdir()
    expected = {}
    for path in originals.iterdir():
        hr = np.asarray(Image.open(path))
        rows, columns = (side // 4 * 4 for side in hr.shape[:2])
        sr = np.clip(hr[:rows, :columns].astype(int) + 9, 0, 255).astype(np.uint8)
        Image.fromarray(sr).save(finished / path.name)
        lr = PRESETS["clean"].degrade(hr[:rows, :columns], 4, np.random.default_rng(0))
        expected[path.stem] = lr_psnr(sr, lr)
    report = evaluate(sr=finished, hr=originals, metrics="lr-psnr")
    assert {name: scores["lr-psnr"] for name, scores in report.images.items()} == pytest.approx(
        expected, abs=0.01
    )
