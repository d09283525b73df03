"""The flicker measure on videos whose flicker is known."""

import re
from pathlib import Path

import numpy as np
import pytest

av = pytest.importorskip("av")

from benchmarks import main  # noqa: E402


def write(path: Path, levels: list[int], side: int) -> Path:
    """Gray frames of one level each: the left half is still, the right half changes by 60 each time."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25, {"crf": "1"}, width=side, height=side, pix_fmt="yuv444p")
        for number, level in enumerate(levels):
            pixels = np.full((side, side, 3), level, np.uint8)
            pixels[:, side // 2 :] = 100 + 60 * (number % 2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        container.mux(stream.encode())
    return path


def test_only_still_blocks_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "source.mp4", [100, 102, 100, 102], 32)
    result = write(tmp_path / "result.mp4", [100, 106, 100, 106], 128)
    assert main(["flicker", str(source), str(result)]) == 0
    lines = capsys.readouterr().out.splitlines()
    before, after = (float(re.findall(r"mp4: ([\d.]+)", line)[0]) for line in lines)
    assert before == pytest.approx(2, abs=0.6) and after == pytest.approx(6, abs=0.9)
    assert "still: 50% of 3 changes" in lines[0]


def test_a_video_without_still_blocks_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write(tmp_path / "source.mp4", [0, 200], 32)
    assert main(["flicker", str(source), str(source), "--still", "0"]) == 2
    assert "no still block" in capsys.readouterr().err
