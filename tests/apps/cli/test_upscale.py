"""`fasrgan upscale` and what it makes."""

import json
import re
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND, ENVIRONMENT, files, not_an_image, run, upscale
from PIL import Image

import fasrgan_hub
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.upscaling.upscaler import Upscaler


def test_a_file_becomes_a_file_four_times_as_large(
    photo: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["upscale", str(photo), "-o", str(tmp_path / "big.png"), "--model", str(model)]) == 0
    output = capsys.readouterr()
    line = r".*photo\.png -> .*big\.png \(200x28, [\d.]+ s with \S+ \S+\)\n"
    assert output.out == "" and re.fullmatch(line, output.err)
    with Image.open(tmp_path / "big.png") as image:
        assert np.array_equal(image, Upscaler(model)(photo))


def test_a_model_enlarges_by_its_own_factor(
    photo: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fasrgan_hub.FASRGAN(blocks=1, features=8, growth=4, scale=2).save_pretrained(tmp_path / "two")
    two = ["--model", str(tmp_path / "two")]
    assert main(["upscale", str(photo), *two]) == 0
    with Image.open(tmp_path / "photo_x2.png") as image:
        assert image.size == (100, 14)
    assert main(["upscale", str(photo), *two, "--model", "bicubic"]) == 0
    with Image.open(tmp_path / "photo_x2_bicubic.png") as image:
        assert np.array_equal(image, Upscaler("bicubic", scale=2)(photo))
    assert main(["upscale", str(photo), *two, "--model", str(model)]) == 2
    assert "these models enlarge by several factors; name one with --scale" in capsys.readouterr().err
    assert main(["upscale", str(photo), *two, "--scale", "4", "--suffix", "_big"]) == 0
    with Image.open(tmp_path / "photo_big.png") as image:
        assert image.size == (200, 28)


def test_the_default_output_lies_beside_the_input(photo: Path, tmp_path: Path) -> None:
    assert upscale(photo) == 0
    assert files(tmp_path) == ["photo.png", "photo_x4.png"]


def test_a_folder_becomes_a_folder_with_the_same_names(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.jpg", "c.webp"):
        Image.open(photo).save(tmp_path / "in" / name)
    assert upscale(tmp_path / "in", "-o", tmp_path / "new" / "out") == 0
    assert files(tmp_path / "new") == ["out/a.png", "out/b.png", "out/c.png"]


def test_one_pixel(tmp_path: Path, model: Path) -> None:
    Image.new("RGB", (1, 1), "red").save(tmp_path / "dot.png")
    assert main(["upscale", str(tmp_path / "dot.png"), "--model", str(model)]) == 0
    with Image.open(tmp_path / "dot_x4.png") as image:
        assert image.size == (4, 4)


def test_tile_and_overlap_reach_the_upscaler(photo: Path, tmp_path: Path, model: Path) -> None:
    for name, arguments in (("whole", ["--tile", "0"]), ("cut", ["--tile", "8", "--overlap", "0"])):
        target = str(tmp_path / f"{name}.png")
        assert main(["upscale", str(photo), "-o", target, "--model", str(model), *arguments]) == 0
    with Image.open(tmp_path / "whole.png") as whole, Image.open(tmp_path / "cut.png") as cut:
        assert not np.array_equal(whole, cut)
        assert np.array_equal(whole, Upscaler(model, tile=0)(photo))
        assert np.array_equal(cut, Upscaler(model, tile=8, overlap=0)(photo))


def test_a_batch_goes_on_after_a_mistake(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = not_an_image(tmp_path / "bad.png")
    assert upscale(bad, tmp_path / "missing.png", photo, "-o", tmp_path / "out") == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("fasrgan: error: ") for line in lines] == [True, True, False, False, True]
    assert "bad.png" in lines[0] and "missing.png" in lines[1] and "2 of 3" in lines[4]
    assert re.fullmatch(r"1 done, 2 failed; 0\.0 megapixels in .* s \(bicubic\)", lines[3])
    assert files(tmp_path / "out") == ["photo.png"]


def test_json_has_an_object_for_each_result(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = not_an_image(tmp_path / "bad.png")
    arguments = (bad, photo, "-o", tmp_path / "out", "--json", "--match-color", "--skip-done")
    assert upscale(*arguments) == 2
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["status"] == "failed" and first["source"] == str(bad) and "not an image" in first["error"]
    assert second["status"] == "done" and second["size"] == [200, 28] and second["engine"] == "bicubic"
    assert second["target"] == str(tmp_path / "out" / "photo.png") and len(second["color_shift"]) == 3
    assert upscale(*arguments) == 2
    assert json.loads(capsys.readouterr().out.splitlines()[1])["status"] == "skipped"


def test_each_model_makes_a_result_and_a_missing_one_is_known_first(
    photo: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upscale(photo, "--model", model, "--model", "no-such-model") == 2
    assert not list(tmp_path.glob("*_x4*"))
    assert upscale(photo, "--model", model) == 0
    with (
        Image.open(tmp_path / "photo_x4_model.png") as ours,
        Image.open(tmp_path / "photo_x4_bicubic.png") as plain,
    ):
        assert np.array_equal(ours, Upscaler(model)(photo)) and np.array_equal(
            plain, Upscaler("bicubic")(photo)
        )


@pytest.mark.parametrize(("scale", "size"), [("1.5", (75, 11)), ("0.5", (25, 4)), ("6", (300, 42))])
def test_any_scale(photo: Path, tmp_path: Path, scale: str, size: tuple[int, int]) -> None:
    assert upscale(photo, "--scale", scale) == 0
    with Image.open(tmp_path / f"photo_x{scale}.png") as image:
        assert image.size == size


def test_choices_reach_the_upscaler(photo: Path, tmp_path: Path, model: Path) -> None:
    fasrgan_hub.FASRGAN(blocks=1, features=8, growth=4).save_pretrained(tmp_path / "other")
    line = ["upscale", str(photo), "--model", str(model), "-o", str(tmp_path / "out.png")]
    choices = ["--fidelity", "0.5", "--faithful", str(tmp_path / "other"), "--ensemble", "--match-color"]
    assert main([*line, *choices]) == 0
    expected = Upscaler(model, fidelity=0.5, faithful=tmp_path / "other", ensemble=True, match_color=True)(
        photo
    )
    with Image.open(tmp_path / "out.png") as image:
        assert np.array_equal(image, expected)


@pytest.mark.slow
def test_a_batch_that_was_killed_is_completed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for index in range(4):
        Image.effect_noise((700, 700), 50).convert("RGB").save(tmp_path / "in" / f"{index}.png")
    line = [*COMMAND, "upscale", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--skip-done"]
    line += ["--model", "bicubic"]
    process = subprocess.Popen(line, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    out = tmp_path / "out"
    while not (list(out.glob("[0-9].png")) and list(out.glob(".*.partial"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in out.glob("[0-9].png")}
    assert 0 < len(done) < 4 and len(list(out.glob(".*.partial"))) == 1
    result = run(line)
    assert result.returncode == 0 and f"{4 - len(done)} done, {len(done)} skipped" in result.stderr
    assert files(out) == ["0.png", "1.png", "2.png", "3.png"]
    assert all(path.stat().st_mtime_ns == when for path, when in done.items())
    for path in out.iterdir():
        with Image.open(path) as image:
            image.load()
            assert image.size == (2800, 2800)


def test_nothing_starts_when_two_results_would_share_a_name(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").mkdir()
    Image.open(photo).save(tmp_path / "other" / "photo.png")
    assert upscale(photo, tmp_path / "other", "-o", tmp_path / "out") == 2
    assert "both" in capsys.readouterr().err and not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", ["jpg", "webp", "avif"])
def test_quality_reaches_the_file(tmp_path: Path, format: str) -> None:
    Image.effect_noise((40, 40), 50).convert("RGB").save(tmp_path / "a.png")
    sizes = []
    for quality in ("20", "95"):
        assert upscale(tmp_path / "a.png", "--format", format, "--quality", quality) == 0
        sizes.append((tmp_path / f"a_x4.{format}").stat().st_size)
    assert sizes[0] < sizes[1] / 2
    if format == "webp":
        assert upscale(tmp_path / "a.png", "--format", format) == 0
        with Image.open(tmp_path / "a_x4.webp") as image:
            assert np.array_equal(image, Upscaler("bicubic")(tmp_path / "a.png"))


def test_a_photo_gives_a_lossless_result_unless_another_is_asked_for(photo: Path, tmp_path: Path) -> None:
    Image.open(photo).save(tmp_path / "photo.jpg", quality=90)
    expected = Upscaler("bicubic")(tmp_path / "photo.jpg")
    assert upscale(tmp_path / "*.jpg", "-o", tmp_path / "big") == 0
    with Image.open(tmp_path / "big" / "photo.png") as image:
        assert np.array_equal(image, expected)
    assert upscale(tmp_path / "*.jpg", "-o", tmp_path / "same", "--format", "same") == 0
    with Image.open(tmp_path / "same" / "photo.jpg") as image:
        assert image.format == "JPEG"
