"""Images through pipes, and lists of names."""

import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND, ENVIRONMENT, files, upscale
from PIL import Image

from fasrgan_hub.upscaling.upscaler import Upscaler


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


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "TIFF", "BMP"])
def test_the_same_format_comes_out_of_the_pipe(
    photo: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, output = io.BytesIO(), Stream()
    Image.open(photo).convert("RGB").save(source, kind)
    monkeypatch.setattr(sys, "stdin", Stream(source.getvalue()))
    monkeypatch.setattr(sys, "stdout", output)
    assert upscale("-", "--format", "same") == 0
    expected = "PNG" if kind == "BMP" else kind  # which is not written
    assert Image.open(io.BytesIO(output.content)).format == expected


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


def test_a_pipe_takes_the_format(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = Stream()
    monkeypatch.setattr(sys, "stdin", Stream(photo.read_bytes()))
    monkeypatch.setattr(sys, "stdout", output)
    assert upscale("-", "--format", "jpg") == 0
    assert Image.open(io.BytesIO(output.content)).format == "JPEG"


def test_a_program_without_standard_output_is_no_fault(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    command = f"{sys.executable} -m fasrgan_hub upscale a.png --model bicubic -o b.png >&-"
    finished = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert finished.returncode == 0 and "Traceback" not in finished.stderr and (tmp_path / "b.png").is_file()
