"""The command as a user meets it: in this process where that is the same, in one of its own where it is not."""

import io
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import fasrgan_hub
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.upscaling.upscaler import Upscaler

ROOT = Path(fasrgan_hub.__file__).parent.parent


COMMAND = [sys.executable, "-m", "fasrgan_hub"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def run(line: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """A command line in a process of its own."""
    return subprocess.run(
        line, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=300, check=False
    )


def upscale(*arguments: object) -> int:
    """`fasrgan upscale ... --model bicubic` in this process."""
    return main(["upscale", *map(str, arguments), "--model", "bicubic"])


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (7, 50, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    torch.manual_seed(0)  # with other weights a result with tiles may equal one without after rounding
    fasrgan_hub.FASRGAN(blocks=1, features=8, growth=4).save_pretrained(path)
    return path


def test_a_file_becomes_a_file_four_times_as_large(
    photo: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["upscale", str(photo), "-o", str(tmp_path / "big.png"), "--model", str(model)]) == 0
    output = capsys.readouterr()
    line = r".*photo\.png -> .*big\.png \(200x28, [\d.]+ s with \S+ \S+\)\n"
    assert output.out == "" and re.fullmatch(line, output.err)
    with Image.open(tmp_path / "big.png") as image:
        assert np.array_equal(image, Upscaler(model)(photo))


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


def bomb(path: Path) -> Path:
    header = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
        + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    )  # fmt: skip
    return path


def text(path: Path) -> Path:
    path.write_text("no image, just words\n")
    return path


def cut_off(path: Path) -> Path:
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    return path


BAD_INPUTS = [
    (lambda path: path, "no file"),
    (text, "not an image"),
    (cut_off, "damaged"),
    (bomb, "more than 100 megapixels"),
]


@pytest.mark.parametrize(("make", "message"), BAD_INPUTS, ids=["missing", "text", "cut off", "bomb"])
def test_a_bad_input_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], Path], message: str
) -> None:
    path = make(tmp_path / "image.png")
    assert upscale(path, "-o", tmp_path / "out" / "big.png") == 2
    output = capsys.readouterr()
    assert output.out == "" and re.fullmatch(r"fasrgan: error: .*\n", output.err)
    assert str(path) in output.err and message in output.err
    assert [name for name in files(tmp_path) if name != "image.png"] == []


def test_a_bad_input_through_the_real_command(tmp_path: Path) -> None:
    path = bomb(tmp_path / "image.png")
    result = run([*COMMAND, "upscale", str(path), "--model", "bicubic"])
    assert result.returncode == 2 and result.stdout == ""
    assert re.fullmatch(r"fasrgan: error: .*image\.png.*megapixels.*\n", result.stderr)
    assert files(tmp_path) == ["image.png"]


@pytest.mark.parametrize("place", ["photo.png/big.png", "photo.png/deeper/big.png", "/proc/fasrgan/big.png"])
def test_an_output_that_cannot_be_written(
    photo: Path, tmp_path: Path, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upscale(photo, "-o", tmp_path / place) == 2
    assert re.fullmatch(r"fasrgan: error: cannot .*\n", capsys.readouterr().err)
    assert files(tmp_path) == ["photo.png"]


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a place where nobody can write, /proc")
def test_a_place_that_refuses_files_is_one_line(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert upscale(photo, "-o", "/proc/big.png") == 2
    assert re.fullmatch(r"fasrgan: error: cannot write .*\n", capsys.readouterr().err)


def test_an_unknown_model_name(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upscale", str(photo), "--model", "no-such-model"]) == 2
    assert re.fullmatch(r"fasrgan: error: .*no-such-model.*\n", capsys.readouterr().err)
    assert files(tmp_path) == ["photo.png"]


def test_a_hub_id_without_network(photo: Path, tmp_path: Path) -> None:
    # The Hub's library waits between its five attempts; the test does not.
    program = "import sys, time; "
    program += "time.sleep = lambda s: None; from fasrgan_hub.apps.cli.main import main; sys.exit(main())"
    line = [sys.executable, "-c", program, "upscale", str(photo), "--model", "somebody/some-model"]
    hub = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "0"}
    result = run(line, **hub)
    assert result.returncode == 2
    assert re.fullmatch(r"fasrgan: error: .*somebody/some-model.*\n", result.stderr)
    assert not (tmp_path / "photo_x4.png").exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_pickle_is_never_loaded(
    photo: Path, tmp_path: Path, model: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (model / "model.safetensors").unlink()
    torch.save({}, model / name)
    assert main(["upscale", str(photo), "--model", str(model)]) == 2
    assert re.fullmatch(rf"fasrgan: error: .*{re.escape(name)}.*\n", capsys.readouterr().err)
    assert not (tmp_path / "photo_x4.png").exists()


def test_a_batch_goes_on_after_a_mistake(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = text(tmp_path / "bad.png")
    assert upscale(bad, tmp_path / "missing.png", photo, "-o", tmp_path / "out") == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("fasrgan: error: ") for line in lines] == [True, True, False, False, True]
    assert "bad.png" in lines[0] and "missing.png" in lines[1] and "2 of 3" in lines[4]
    assert re.fullmatch(r"1 done, 2 failed; 0\.0 megapixels in .* s \(bicubic\)", lines[3])
    assert files(tmp_path / "out") == ["photo.png"]


def test_json_has_an_object_for_each_result(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = text(tmp_path / "bad.png")
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scale", "17"], "out of range"),
        (["--scale", "0"], "out of range"),
        (["--fidelity", "2"], "out of range"),
        (["--fidelity", "0.5"], "--faithful"),
        (["--engine", "abacus"], "abacus"),
    ],
)
def test_choices_that_cannot_be(
    photo: Path, tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upscale(photo, *arguments) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"fasrgan: error: .*\n", error) and message in error
    assert files(tmp_path) == ["photo.png"]


class Stream(io.TextIOWrapper):
    """Standard input or output that is a pipe."""

    def __init__(self, content: bytes = b""):
        super().__init__(io.BytesIO(content), encoding="utf-8")

    @property
    def content(self) -> bytes:
        self.flush()
        return self.buffer.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize("arguments", [["-"], ["-", "-o", "-"]])
def test_an_image_through_a_pipe(
    photo: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = Stream()
    monkeypatch.setattr(sys, "stdin", Stream(photo.read_bytes()))
    monkeypatch.setattr(sys, "stdout", output)
    assert upscale(*arguments) == 0
    assert np.array_equal(Image.open(io.BytesIO(output.content)), Upscaler("bicubic")(photo))
    assert re.fullmatch(r"standard-input -> standard-output\.png \(200x28, .*\)\n", capsys.readouterr().err)


def test_pipe_to_file_and_file_to_pipe(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = Stream()
    monkeypatch.setattr(sys, "stdin", Stream(photo.read_bytes()))
    assert upscale("-", "-o", tmp_path / "out.tif", "--json") == 0
    monkeypatch.setattr(sys, "stdout", output)
    assert upscale(photo, "-o", "-") == 0
    with Image.open(tmp_path / "out.tif") as image:
        assert np.array_equal(image, Image.open(io.BytesIO(output.content)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-"], "'standard-input' is not an image"),
        (["-", "photo.png", "-o", "out"], "one image"),
        (["-", "--model", "fasrgan-lite-x4"], "one image"),
        (["photo.png", "-o", "-", "--json"], "name a file"),
    ],
)
def test_what_does_not_go_through_a_pipe(
    photo: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", Stream(b"words"))
    assert upscale(*arguments) == 2
    output = capsys.readouterr()
    assert output.out == "" and re.fullmatch(r"fasrgan: error: .*\n", output.err) and message in output.err
    assert files(tmp_path) == ["photo.png"]


def test_a_list_of_names(photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(photo, tmp_path / "a name with spaces.png")
    names = f"{tmp_path / 'a name with spaces.png'}\n\n{photo}\n"
    (tmp_path / "names.txt").write_text(names)
    assert upscale("--files-from", tmp_path / "names.txt", "-o", tmp_path / "one") == 0
    monkeypatch.setattr(sys, "stdin", Stream(names.encode()))
    assert upscale("--files-from", "-", "-o", tmp_path / "two") == 0
    assert files(tmp_path / "one") == files(tmp_path / "two") == ["a name with spaces.png", "photo.png"]


@pytest.mark.slow
def test_a_batch_that_was_killed_is_completed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for index in range(4):
        Image.effect_noise((700, 700), 50).convert("RGB").save(tmp_path / "in" / f"{index}.png")
    line = [
        *COMMAND,
        "upscale",
        str(tmp_path / "in"),
        "-o",
        str(tmp_path / "out"),
        "--model",
        "bicubic",
        "--skip-done",
    ]
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


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["upscale"],
        ["upscale", "a.png", "--tile", "-1"],
        ["upscale", "a.png", "--tile", "x"],
    ],
)
def test_wrong_arguments_are_one_line_too(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert re.fullmatch(r"fasrgan: error: .*--help'\)\n", capsys.readouterr().err)


def test_an_interrupt_leaves_no_half_image(tmp_path: Path) -> None:
    Image.effect_noise((1600, 1600), 50).convert("RGB").save(tmp_path / "large.png")
    line = [*COMMAND, "upscale", str(tmp_path / "large.png"), "--model", "bicubic"]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # what a shell starts with & ignores it
    process = subprocess.Popen(line, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".*.partial")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors == "fasrgan: interrupted\n"
    assert files(tmp_path) == ["large.png"]


def test_help_needs_nothing_heavy() -> None:
    result = run([sys.executable, "-X", "importtime", "-m", "fasrgan_hub", "--help"])
    imported = {row.split("|")[-1].strip().split(".")[0] for row in result.stderr.splitlines()}
    assert result.returncode == 0 and "upscale" in result.stdout and "evaluate" in result.stdout
    assert "argparse" in imported
    assert imported.isdisjoint({"torch", "numpy", "PIL", "tqdm", "huggingface_hub", "safetensors"})


def test_the_command_is_installed_under_its_name() -> None:
    assert '\nfasrgan = "fasrgan_hub.apps.cli.main:main"\n' in (ROOT / "pyproject.toml").read_text()


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


def test_a_file_instead_of_a_command_suggests_upscale(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["my photo.jpg", "-o", "big.png"]) == 2
    assert "did you mean: fasrgan upscale 'my photo.jpg' -o big.png\n" in capsys.readouterr().err
    assert main(["evalute", "bicubic"]) == 2
    assert (
        capsys.readouterr().err == "fasrgan: error: there is no command 'evalute'; did you mean: evaluate\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["upscale", "photo.png", "--model", "bicubic", "--json"],
        ["upscale", "photo.png", "--model", "bicubic", "-o", "-"],
        ["evaluate", "bicubic", "--hr", ".", "--metrics", "psnr"],
    ],
)
def test_a_closed_pipe_is_silent(photo: Path, arguments: list[str]) -> None:
    """As in `fasrgan ... | head -1` when head has ended: no message, status 128 + SIGPIPE."""
    Image.new("RGB", (16, 16)).save(photo)
    reader, writer = os.pipe()
    os.close(reader)
    line = [*COMMAND, *arguments]
    try:
        result = subprocess.run(
            line,
            env=ENVIRONMENT,
            cwd=photo.parent,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        os.close(writer)
    assert result.returncode == 141
    assert (
        "Traceback" not in result.stderr and "Broken" not in result.stderr and "ignored" not in result.stderr
    )


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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quality", "50"], "no effect on .png"),
        (["--quality", "0"], "from 1 to 100"),
        (["--format", "jpg", "-o", "out.png"], "leave --format out"),
        (["photo.png", "-o", "out.png"], "2 images"),
    ],
)
def test_contradictions_of_format_and_quality(
    photo: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert upscale("photo.png", *arguments) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"fasrgan: error: .*\n", error) and message in error
    assert files(tmp_path) == ["photo.png"]


def test_a_pipe_takes_the_format(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = Stream()
    monkeypatch.setattr(sys, "stdin", Stream(photo.read_bytes()))
    monkeypatch.setattr(sys, "stdout", output)
    assert upscale("-", "--format", "jpg") == 0
    assert Image.open(io.BytesIO(output.content)).format == "JPEG"
