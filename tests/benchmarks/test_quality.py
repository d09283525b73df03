"""The plot of quality against time, of tiny networks."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks import main
from PIL import Image

from fasrgan_hub import FASRGAN
from fasrgan_hub.errors import UserError
from fasrgan_hub.metrics import LPIPS


def test_table_and_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    try:
        LPIPS()
    except UserError as error:
        pytest.skip(f"the weights of LPIPS cannot be had here: {error}")
    for name, blocks in (("small", 1), ("large", 4)):
        FASRGAN(blocks=blocks, features=16, growth=8, init="residual").save_pretrained(tmp_path / name)
    (tmp_path / "HR").mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(
        tmp_path / "HR/a.png"
    )
    plot = tmp_path / "plot.png"
    command = [
        "quality",
        str(tmp_path / "large"),
        f"tiny={tmp_path / 'small'}",
        "--set",
        f"Noise={tmp_path / 'HR'}",
    ]
    assert main([*command, "--degrade", "web", "--size", "16", "-o", str(plot)]) == 0
    head, bicubic, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["parameters", "seconds", "clean", "web"]
    assert bicubic.split()[0] == "bicubic" and len(bicubic.split()) == 3
    assert [row.split()[0] for row in rows] == ["tiny", "large"], "the faster one comes first"
    assert Image.open(plot).width > 300
