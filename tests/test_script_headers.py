"""The headers of scripts (PEP 723), from which `uv run` and `hf jobs uv run` know what to install."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

tomllib = pytest.importorskip("tomllib")  # of Python 3.11

ROOT = Path(__file__).parent.parent
SCRIPTS = ["push_to_hub.py", "train.py", "upscale_dataset.py"]
BLOCK = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")
"""PEP 723's own."""


def header(script: str) -> dict:
    (block,) = BLOCK.finditer((ROOT / "scripts" / script).read_text(encoding="utf-8"))
    assert block["type"] == "script"
    lines = block["content"].splitlines()
    return tomllib.loads("\n".join(line[2:] for line in lines))


def test_every_script_that_works_without_a_clone_has_one():
    with_header = {
        path.name for path in (ROOT / "scripts").glob("*.py") if "# /// script" in path.read_text()
    }
    assert with_header >= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_header_names_this_package_and_its_extras(script):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    data = header(script)
    assert data["requires-python"] == project["requires-python"]
    (requirement,) = data["dependencies"]
    name, extras = re.fullmatch(r"([\w-]+)(?:\[([\w,]+)\])?", requirement).groups()
    assert name == project["name"]
    assert set((extras or "").split(",")) - {""} <= set(project["optional-dependencies"])


@pytest.mark.parametrize("script", ["train.py", "upscale_dataset.py"])
def test_the_client_of_the_hub_reads_it(script):
    """The real command, which sends nothing with --dry-run."""
    hf = shutil.which("hf", path=str(Path(sys.executable).parent))
    if hf is None:
        pytest.skip("the command hf is not installed")
    options = ["--dry-run", "--namespace", "me", "-v", "hf://buckets/me/runs:/runs"]
    words = [hf, "jobs", "uv", "run", *options, f"scripts/{script}", "--output", "/runs/x"]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env={"HF_TOKEN": "hf_x"})
    output = result.stdout + result.stderr
    if "No such option" in output or "no such option" in output:
        pytest.skip("this version of the client knows no --dry-run")
    assert result.returncode == 0, output
    for name, value in (("flavor", "l4x1"), ("timeout", "24h|86400"), ("secrets", "HF_TOKEN")):
        assert re.search(rf"{name}\s+.*({value})", output), output
