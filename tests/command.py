"""The command `fasrgan` for tests: in this process where that is the same, in one of its own where it is not."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-m", "fasrgan_hub"]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def run(line: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """A command line in a process of its own."""
    return subprocess.run(
        line, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=300, check=False
    )


def upscale(*arguments: object) -> int:
    """`fasrgan upscale ... --model bicubic` in this process."""
    from fasrgan_hub.apps.cli.main import main

    return main(["upscale", *map(str, arguments), "--model", "bicubic"])


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def not_an_image(path: Path) -> Path:
    path.write_text("no image, just words\n")
    return path


@pytest.fixture(name="photo")
def photo_file(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    pixels = np.random.default_rng(0).integers(0, 256, (7, 50, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(name="model")
def model_folder(tmp_path: Path) -> Path:
    import torch  # after conftest.py has set the number of threads

    import fasrgan_hub

    path = tmp_path / "model"
    torch.manual_seed(0)  # with other weights a result with tiles may equal one without after rounding
    fasrgan_hub.FASRGAN(blocks=1, features=8, growth=4).save_pretrained(path)
    return path
