from pathlib import Path

import pytest
import torch
from benchmarks import main
from benchmarks.upscaling import Options, best_of, measure_losses, multiply_adds, tile

from fasrgan_hub import evaluation
from fasrgan_hub.evaluation import METRICS, ScoreReport
from fasrgan_hub.systems import FASRGAN
from fasrgan_hub.upscaling import upscaler


def test_the_table_names_engines_baselines_and_floors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FASRGAN(blocks=1, features=8, growth=4).save_pretrained(tmp_path)
    command = ["upscaling", "--model", str(tmp_path), "--size", "8", "--rounds", "1", "--engines"]
    assert main([*command, "torch f32,onnx f32", "--against", "fasrgan-lite-x4"]) == 0
    told = capsys.readouterr().out
    words = ("torch f32", "x onnx f32", "x fasrgan-lite-x4, ", "products alone, f32", "levels of 255")
    assert all(word in told for word in words)


@pytest.mark.parametrize("wrong", [["--parts", "none"], ["--rounds", "0"], ["--ncnn", "none.param"]])
def test_wrong_arguments_are_one_line(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ncnn") if "--ncnn" in wrong else None
    assert main(["upscaling", "--engines", "torch f32", *wrong]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("benchmark.py: error")


def test_the_best_of_rounds_in_turn_leaves_the_first_out() -> None:
    calls: list[str] = []
    now = [0.0]

    def work(name: str, costs: list[float]):
        def call(_: object) -> None:
            calls.append(name)
            now[0] += costs.pop(0)

        return call

    runs = {"a": work("a", [1, 5, 3]), "b": work("b", [1, 2, 9])}
    assert best_of(runs, None, 2, lambda: now[0]) == {"a": 3, "b": 2}
    assert calls == ["a", "b"] * 3


def test_what_precision_costs_is_positive_where_a_score_is_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever way the metric goes."""

    def evaluate(precision: str, **_: object) -> ScoreReport:
        best = precision == "f32"
        return ScoreReport({"a": {name: float(metric.higher == best) for name, metric in METRICS.items()}})

    monkeypatch.setattr(upscaler, "Upscaler", lambda model, engine, precision: precision)
    monkeypatch.setattr(evaluation, "evaluate", evaluate)
    options = Options(model="", engines="torch bf16", hr="", lr="", metrics="")
    assert measure_losses(options, {"torch bf16": None}) == {"torch bf16": dict.fromkeys(METRICS, 1)}


def test_multiply_adds_are_those_of_the_convolutions() -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3, padding=1), torch.nn.Conv2d(5, 2, 1))
    assert multiply_adds(network, 32) == 32 * 32 * (3 * 5 * 9 + 5 * 2)
    assert tile(200).shape == (1, 3, 200, 200)
