"""The command as a user meets it: mistakes, interrupts, help."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from command import COMMAND, ENVIRONMENT, ROOT, files, not_an_image, run, upscale
from packing import png
from PIL import Image

from fasrgan_hub.apps.cli.main import main


def bomb(path: Path) -> Path:
    path.write_bytes(png(60_000, 60_000, b""))
    return path


def cut_off(path: Path) -> Path:
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    return path


BAD_INPUTS = [
    (lambda path: path, "no file"),
    (not_an_image, "not an image"),
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


@pytest.mark.parametrize(
    ("number", "status", "line"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "ended by a signal"),
        (signal.SIGHUP, 129, "ended by a signal"),
    ],
)
def test_an_interrupt_leaves_no_half_image(tmp_path: Path, number: int, status: int, line: str) -> None:
    Image.effect_noise((1600, 1600), 50).convert("RGB").save(tmp_path / "large.png")
    command = [*COMMAND, "upscale", str(tmp_path / "large.png"), "--model", "bicubic"]
    heard = partial(signal.signal, number, signal.SIG_DFL)  # what a shell starts with & ignores SIGINT
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, preexec_fn=heard)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".*.partial")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status and errors == f"fasrgan: {line}\n"
    assert files(tmp_path) == ["large.png"]


def test_help_needs_nothing_heavy() -> None:
    result = run([sys.executable, "-X", "importtime", "-m", "fasrgan_hub", "--help"])
    imported = {row.split("|")[-1].strip().split(".")[0] for row in result.stderr.splitlines()}
    assert result.returncode == 0 and "upscale" in result.stdout and "evaluate" in result.stdout
    assert "argparse" in imported
    assert imported.isdisjoint({"torch", "numpy", "PIL", "tqdm", "huggingface_hub", "safetensors"})


def test_the_command_is_installed_under_its_name() -> None:
    assert '\nfasrgan = "fasrgan_hub.apps.cli.main:main"\n' in (ROOT / "pyproject.toml").read_text()


def test_a_file_instead_of_a_command_suggests_upscale(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["my photo.jpg", "-o", "big.png"]) == 2
    assert "did you mean: fasrgan upscale 'my photo.jpg' -o big.png\n" in capsys.readouterr().err
    assert main(["evalute", "bicubic"]) == 2
    assert (
        capsys.readouterr().err == "fasrgan: error: there is no command 'evalute'; did you mean: evaluate\n"
    )


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
