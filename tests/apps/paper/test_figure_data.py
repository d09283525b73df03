"""The paper's figures from the command line, on tiny networks and images."""

import json

import numpy as np
import pytest
import torchvision_shim  # noqa: F401 - before timm
from PIL import Image

from fasrgan_hub import SYSTEMS, evaluate
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.evaluation.image_pairs import make_lr
from fasrgan_hub.upscaling.upscaler import Upscaler


@pytest.fixture
def made(tmp_path):
    """Two tiny models and a set of two images."""
    for name, system, arguments in (
        ("plain", "fasrgan-lite", {"blocks": 1, "features": 8, "growth": 4}),
        ("shared", "fs-srgan-lite", {"blocks": 1, "features": 8, "growth": 4, "shared_blocks": 2}),
    ):
        SYSTEMS[system].build_generator(**arguments).save_pretrained(tmp_path / name)
    (tmp_path / "set").mkdir()
    chance = np.random.default_rng(0)
    for name in ("a", "b"):
        pixels = chance.integers(0, 256, (6, 8, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        Image.fromarray(pixels).save(tmp_path / "set" / f"{name}.png")
    return tmp_path


def draw(capsys, kind, *arguments):
    assert main(["figures", kind, *map(str, arguments)]) == 0
    return json.loads(capsys.readouterr().out or "null")


def test_the_tradeoff_has_the_scores_of_evaluate(made, capsys):
    target = (f"--set={made / 'set'}", "-o", made / "5.png")
    drawn = draw(capsys, "fig5", "--row=bicubic", f"--row=tiny={made / 'plain'}", *target)
    means = evaluate("bicubic", hr=made / "set", metrics="rmse,lpips").means
    assert drawn["bicubic"] == pytest.approx([means["rmse"], means["lpips"]]) and "tiny" in drawn
    assert (made / "5.png").is_file()


def test_crops_score_models_and_finished_images_alike(made, capsys):
    finished = made / "finished"
    finished.mkdir()
    truth = np.array(Image.open(made / "set" / "a.png"))
    Image.fromarray(Upscaler("bicubic")(make_lr(truth))).save(finished / "a.png")
    drawn = draw(
        capsys, "fig6", "--row=bicubic", f"--row=done={finished}", f"--image={made / 'set' / 'a.png'}",
        "--metrics=psnr,ssim", "--box=8,8,16,16", "-o", made / "6.png",
    )  # fmt: skip
    assert drawn["bicubic"] == pytest.approx(drawn["done"])
    assert list(drawn["done"]) == ["psnr", "ssim"]


def test_training_curves_come_from_the_runs_logs(made, capsys):
    for run in ("one", "two"):
        (made / run).mkdir()
        lines = [{"step": step, "scores": {"Set14 lpips": 1 / step}} for step in (10, 20)]
        (made / run / "log.jsonl").write_text("\n".join(map(json.dumps, lines)))
    drawn = draw(
        capsys, "fig9", f"--row=one={made / 'one'}", f"--row=two={made / 'two'}", "-o", made / "9.png"
    )
    assert drawn == {name: [[10, 0.1], [20, 0.05]] for name in ("one", "two")}
    assert main(["figures", "fig9", f"--row={made / 'one'}", "--score=psnr", "-o", str(made / "9.png")]) == 2
    assert "Set14 lpips" in capsys.readouterr().err


def test_features_and_depths(made, capsys):
    rows = [f"--row=without={made / 'plain'}", f"--row=with={made / 'shared'}"]
    draw(capsys, "fig12", *rows, f"--image={made / 'set' / 'a.png'}", "--channels=0,7", "-o", made / "12.png")
    assert (made / "12.png").is_file()
    drawn = draw(capsys, "fig13", *rows, f"--set={made / 'set'}", "--metrics=psnr", "-o", made / "13.png")
    assert list(drawn) == ["E0", "E2"]
    assert drawn["E2"]["psnr"] == pytest.approx(
        evaluate(made / "shared", hr=made / "set", metrics="psnr").means["psnr"]
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["fig6", "--row=bicubic", "-o", "x.png"], "--image"),
        (["fig6", "--row=bicubic", "--image=absent.png", "-o", "x.png"], "absent.png"),
        (["fig5", "--row=bicubic", "--set=nothing", "-o", "x.png"], "nothing"),
        (["fig12", "--row=bicubic", "--image=x.png", "--channels=a,b", "-o", "x.png"], "--channels is 'a,b'"),
        (["fig99", "--row=bicubic", "-o", "x.png"], "fig99"),
    ],
)
def test_mistakes_are_one_line(arguments, told, capsys):
    assert main(["figures", *arguments]) == 2
    errors = capsys.readouterr().err
    assert told in errors and errors.count("\n") == 1


def test_recognition_prints_table_3_and_goes_on(made, capsys):
    for label, name in (("3", "a"), ("7", "b")):
        (made / "classes" / label).mkdir(parents=True)
        (made / "set" / f"{name}.png").rename(made / "classes" / label / f"{name}.png")
    command = ["recognition", str(made / "classes"), "--classifier=efficientnet-lite0", "--row=bicubic"]
    command += ["-o", str(made / "guesses.jsonl")]
    status = main(command)
    output = capsys.readouterr()
    if status == 2 and "cannot fetch" in output.err:
        pytest.skip("the classifier's weights cannot be fetched here")
    assert status == 0 and "top-5 error" in output.out and "bicubic" in output.out
    assert len((made / "guesses.jsonl").read_text().splitlines()) == 2
    assert main([*command, f"--row=tiny={made / 'plain'}"]) == 0
    assert "tiny" in capsys.readouterr().out
    assert main(["recognition", str(made / "absent"), "--classifier=efficientnet-lite0"]) == 2
