"""`fasrgan upscale clip.mp4`: what is kept, and that a stopped run goes on."""

import io
import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr
from pathlib import Path

import numpy as np
import pytest
from command import COMMAND, ENVIRONMENT, files, not_an_image, upscale

av = pytest.importorskip("av")

from clips import COLORS, copy_streams, decode, frame_pixels, make_clip, read_clip  # noqa: E402

from fasrgan_hub.apps.cli.main import main as fasrgan  # noqa: E402
from fasrgan_hub.apps.video.reading import Frame  # noqa: E402
from fasrgan_hub.upscaling.upscaler import Upscaler  # noqa: E402


@pytest.fixture(name="clip", scope="module")
def clip_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture(name="small", scope="module")
def small_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("small") / "small.mp4", frames=100, size=(32, 18))


@pytest.fixture(name="big", scope="module")
def enlarged_clip(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`clip` enlarged, alone in its folder."""
    big = tmp_path_factory.mktemp("big") / "big.mp4"
    with redirect_stderr(io.StringIO()) as errors:
        assert upscale(clip, "-o", big, "--quality", "90") == 0
    assert "big.mp4 (1280x720, " in errors.getvalue()
    return big


def test_everything_but_the_size_is_kept(clip: Path, big: Path) -> None:
    source, result = read_clip(clip), read_clip(big)
    assert result.size == (1280, 720) and len(result.times) == 75
    assert result._replace(size=source.size) == source
    assert result.rotation == 90 and result.tags == COLORS and len(result.packets) > 100
    assert files(big.parent) == ["big.mp4"]


def test_colors_are_those_of_the_enlarged_frames(big: Path) -> None:
    frames = decode(big)
    for number in (0, 47, 48, 74):  # also where two segments meet
        expected = Upscaler("bicubic")(frame_pixels(number, 320, 180))
        difference = np.abs(frames[number].astype(int) - expected)
        assert difference.mean() < 2 and np.quantile(difference, 0.999) < 12, number


@pytest.mark.parametrize("codec, pixel_format", [("h264", "yuv444p"), ("av1", "yuv420p"), ("vp9", "yuv420p")])
def test_odd_sides(codec: str, pixel_format: str, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=5, size=(162, 90), rotation=None)
    assert upscale(clip, "-o", tmp_path / "big.mp4", "--scale", "1.5", "--codec", codec) == 0
    result = read_clip(tmp_path / "big.mp4")
    assert result.size == (243, 135) and (result.pixel_format, result.codec) == (pixel_format, codec)
    assert result.times == read_clip(clip).times


def test_full_chroma_and_an_odd_source(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", frames=10, size=(321, 181), pixel_format="yuv444p")
    assert upscale(clip) == 0
    result = read_clip(tmp_path / "clip_x4.mkv")
    assert result.size == (1284, 724) and result.pixel_format == "yuv444p"
    assert len(result.times) == 10 and result.rotation == 90


def test_ten_bits_are_kept(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=3, size=(32, 18), pixel_format="yuv420p10le", audio=False)
    assert upscale(clip, "-o", tmp_path / "big.mp4", "--codec", "hevc") == 0
    assert read_clip(tmp_path / "big.mp4").pixel_format == "yuv420p10le"


def test_subtitles_are_copied(tmp_path: Path) -> None:
    (tmp_path / "lines.srt").write_text("1\n00:00:00,100 --> 00:00:01,000\nHello\n")
    clip = make_clip(tmp_path / "plain.mkv", frames=30, size=(32, 18))
    with av.open(str(clip)) as a, av.open(str(tmp_path / "lines.srt")) as b:
        copy_streams([*a.streams, *b.streams], tmp_path / "clip.mkv", languages={"subtitle": "eng"})
    assert upscale(tmp_path / "clip.mkv", "-o", tmp_path / "big.mkv") == 0
    result = read_clip(tmp_path / "big.mkv")
    assert [data for kind, _, data in result.packets if kind == "subtitle"] == [b"Hello"]
    assert result.packets == read_clip(tmp_path / "clip.mkv").packets
    with av.open(str(tmp_path / "big.mkv")) as container:
        assert container.streams.subtitles[0].language == "eng"


SLOW = """
import itertools, signal, sys, time
from fasrgan_hub.apps.cli import main
from fasrgan_hub.apps.video.reading import Frame
pixels, number = Frame.pixels, itertools.count()
Frame.pixels = lambda *a: (time.sleep(0.4 if next(number) > 50 else 0), pixels(*a))[1]
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main.main(sys.argv[1:]))
"""
"""The command with a pause at each frame of the second segment, so that a signal comes in it.

Shells start background jobs, such as a test run, with interrupts ignored; the command would inherit that.
"""


def stop_in_second_segment(
    clip: Path, target: Path, sign: signal.Signals
) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-c", SLOW, "upscale", str(clip), "-o", str(target), "--model", "bicubic"]
    process = subprocess.Popen(line, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True)
    segment = target.with_name(f"{target.name}.partial") / "000000.mp4"
    deadline = time.monotonic() + 200
    while not segment.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(sign)
    errors = process.communicate(timeout=60)[1]
    assert not target.exists() and len(read_clip(segment).times) == 48  # it can be played
    return subprocess.CompletedProcess(line, process.returncode, "", errors)


def test_a_killed_run_goes_on(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert upscale(small, "-o", tmp_path / "undisturbed.mp4") == 0
    assert stop_in_second_segment(small, tmp_path / "big.mp4", signal.SIGKILL).returncode == -signal.SIGKILL
    enlarged: list[int] = []
    pixels = Frame.pixels

    def count(frame: Frame, size: tuple[int, int], bits: int) -> np.ndarray:
        enlarged.append(frame.time)
        return pixels(frame, size, bits)

    monkeypatch.setattr(Frame, "pixels", count)
    assert upscale(small, "-o", tmp_path / "big.mp4") == 0
    assert len(enlarged) == 52  # 48 were finished
    assert (tmp_path / "big.mp4").read_bytes() == (tmp_path / "undisturbed.mp4").read_bytes()
    assert files(tmp_path) == ["big.mp4", "undisturbed.mp4"]


def test_an_interrupted_run_says_how_to_go_on(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped = stop_in_second_segment(small, tmp_path / "big.mp4", signal.SIGINT)
    assert stopped.returncode == 130 and "the same command goes on" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert upscale(small, "-o", tmp_path / "big.mp4", "--quality", "20") == 2
    assert "holds frames of another source or other options" in capsys.readouterr().err
    assert upscale(small, "-o", tmp_path / "big.mp4") == 0
    assert read_clip(tmp_path / "big.mp4").times == read_clip(small).times


def test_damaged_files_are_one_line(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = small.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.mp4").write_bytes(b"")
    not_an_image(tmp_path / "words.mp4")
    with av.open(str(small)) as source:
        copy_streams(source.streams.audio, tmp_path / "sound.mp4")
    for name in ("cut", "empty", "words", "sound", "missing"):
        assert upscale(tmp_path / f"{name}.mp4", "-o", tmp_path / "big.mp4") == 2
        errors = capsys.readouterr().err
        assert errors.count("\n") == 1 and f"{name}.mp4" in errors, errors
    assert files(tmp_path) == ["cut.mp4", "empty.mp4", "sound.mp4", "words.mp4"]


def test_a_file_whose_end_is_missing(small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with av.open(str(small)) as source:
        copy_streams(source.streams, tmp_path / "web.mp4", {"movflags": "faststart"})
    whole = (tmp_path / "web.mp4").read_bytes()
    (tmp_path / "web.mp4").write_bytes(whole[: len(whole) * 6 // 10])
    assert upscale(tmp_path / "web.mp4", "-o", tmp_path / "big.mp4") == 2
    assert "damaged, or its end is missing" in capsys.readouterr().err
    assert not (tmp_path / "big.mp4").exists()


def test_what_cannot_be_done_is_known_before_the_work(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, message in (
        (["-o", "big.webm"], "cannot hold these streams: vp9, aac"),
        (["-o", "big.mp4", "--codec", "theora"], "--codec is 'theora'; it can be h264, hevc, av1, vp9"),
        (["-o", "big.avi"], "'big.avi' is not the name of a video to write"),
        (["-o", "-"], "a video cannot go to standard output"),
        (["-o", small], "would be overwritten"),
        (["-o", "big.mp4", "--format", "png"], "leave --format out"),
        ([small, "-o", "big.mp4"], "a video is enlarged alone"),
    ):
        assert upscale(small, *arguments) == 2
        errors = capsys.readouterr().err
        assert message in errors and errors.count("\n") == 1, errors
    assert fasrgan(["upscale", str(small), "-o", "big.mp4", "--model", "auto"]) == 2
    assert "--model auto looks at images" in capsys.readouterr().err
    assert files(tmp_path) == []


def test_without_pyav_the_command_that_installs_it_is_named(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert upscale(small, "-o", tmp_path / "big.mp4") == 2
    assert "pip install 'fasrgan-hub[video]'" in capsys.readouterr().err


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    """10 s take at most 100 MB more than 1 s."""
    peaks = []
    for frames in (25, 250):
        clip = make_clip(tmp_path / f"{frames}.mp4", frames)
        line = [
            *COMMAND,
            "upscale",
            str(clip),
            "-o",
            str(tmp_path / f"big{frames}.mp4"),
            "--model",
            "bicubic",
        ]
        process = subprocess.Popen(line, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0 and len(read_clip(tmp_path / f"big{frames}.mp4").times) == frames
        peaks.append(usage.ru_maxrss / 1024)
    assert peaks[1] - peaks[0] < 100, peaks
