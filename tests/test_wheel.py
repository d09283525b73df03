"""What `pip install` of a built wheel gives: all files of the package, and a command that trains, upscales, scores."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from shutil import copy2, copytree

import pytest
from conftest import photo
from PIL import Image

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
TINY = [
    "--generator={blocks: 1, features: 8, growth: 4}",
    "--data.batch=2",
    "--data.crop=32",
    "--logging.trackers=[]",
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's wheel, built from a copy of its sources: a build leaves folders behind."""
    source = tmp_path_factory.mktemp("source")
    copytree(ROOT / "fasrgan_hub", source / "fasrgan_hub", ignore=lambda *_: {"__pycache__"})
    copytree(ROOT / "scripts", source / "scripts", ignore=lambda *_: {"__pycache__"})
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        copy2(ROOT / name, source)
    target = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", target, source], source)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment that has the wheel and what training needs."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    constraints = ROOT / "constraints.txt"
    run([programs / "python", "-m", "pip", "install", "-q", "-c", constraints, f"{wheel}[train]"], folder)
    return programs


def run(line: list, folder: Path) -> str:
    """Run a command in a folder, with nothing of this checkout on its paths; returns its standard output."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(
        [str(word) for word in line],
        cwd=folder,
        env={**environment, "PYTHONNOUSERSITE": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    files = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tracked = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "fasrgan_hub").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files == tracked and "fasrgan_hub/py.typed" in files
    assert not any("benchmark" in Path(name).parts[0] or name.startswith("scripts/") for name in files)


@pytest.mark.parametrize(
    "launcher", [["fasrgan", "train"], ["accelerate", "launch", "-m", "fasrgan_hub.train"]], ids=" ".join
)
def test_an_installed_wheel_trains_upscales_and_evaluates(
    programs: Path, launcher: list[str], tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    for index in range(2):
        Image.fromarray(photo(64, 72, index)).save(tmp_path / "photos" / f"{index}.png")
    program, *words = launcher
    start = [programs / program, *words, "--system=fasrgan-lite", "--stage=psnr", *TINY]
    run([*start, "--data=folder:photos", "--output=run", "--steps=3", "--seed=0"], tmp_path)
    model = ["--model", "run/model"]
    run([programs / "fasrgan", "upscale", "photos/0.png", *model, "-o", "big.png"], tmp_path)
    with Image.open(tmp_path / "big.png") as big:
        assert big.size == (288, 256)  # after three steps it is black
    line = [programs / "fasrgan", "evaluate", "run/model", "bicubic", "--hr", "photos", "--metrics", "psnr"]
    run([*line, "--json", "scores.json", "--no-cache"], tmp_path)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert [(record["model"], record["n"]) for record in scores] == [("model", 2), ("bicubic", 2)]
