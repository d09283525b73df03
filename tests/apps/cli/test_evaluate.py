"""`fasrgan evaluate`."""

import json
import re
from pathlib import Path

import pytest
from command import files
from PIL import Image

from fasrgan_hub.apps.cli.main import main


def test_evaluate_prints_a_table_and_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hr").mkdir()
    for name in ("a", "b"):
        Image.effect_noise((40, 36), 50).convert("RGB").save(tmp_path / "hr" / f"{name}.png")
    line = ["evaluate", "bicubic", "--hr", str(tmp_path / "hr"), "--json", str(tmp_path / "scores.json")]
    assert main([*line, "--metrics", "psnr,rmse"]) == 0
    output = capsys.readouterr().out
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["n"] == 2 and set(scores["metrics"]) == {"psnr", "rmse"}
    assert f"{scores['metrics']['psnr']:.2f}" in output and "mean" in output


def test_evaluate_takes_finished_images_without_a_model(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hr").mkdir()
    Image.open(photo).resize((48, 48)).save(tmp_path / "hr" / "a.png")
    status = main(["evaluate", "--hr", str(tmp_path / "hr"), "--sr", str(tmp_path / "hr")])
    output = capsys.readouterr()
    if status == 2 and "weights" in output.err:
        pytest.skip(f"the weights of LPIPS cannot be had here: {output.err}")
    assert output.out.split()[:8] == ["image", "PSNR", "SSIM", "LPIPS", "a", "inf", "1.0000", "0.0000"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--hr", "none"],
        ["--hr", "."],
        ["--hr", ".", "--sr", ".", "bicubic"],
        ["--hr", ".", "--metrics", "beauty"],
    ],
)
def test_mistakes_of_evaluate(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", *arguments, "--json", "scores.json"]) == 2
    assert re.fullmatch(r"fasrgan: error: .*\n", capsys.readouterr().err) and files(tmp_path) == []
