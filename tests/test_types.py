"""What mypy and an IDE know of the package: the types of its public names."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import fasrgan_hub

ROOT = Path(fasrgan_hub.__file__).parent.parent


def mypy(file: Path) -> str:
    command = [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


@pytest.mark.slow
@pytest.mark.skipif(not (ROOT / "pyproject.toml").is_file(), reason="needs the source tree")
def test_public_names_have_types_and_misspelled_ones_are_errors(tmp_path):
    names = [name for name in fasrgan_hub.__all__ if name != "SYSTEMS"]
    revealed = [
        "fasrgan_hub.SYSTEMS",
        'fasrgan_hub.from_pretrained("a")',
        'fasrgan_hub.FASRGAN.from_pretrained("a")',
        'fasrgan_hub.Upscaler("a")("b.png")',
        'fasrgan_hub.Upscaler("a").score_map("b.png")',
        "fasrgan_hub.Upscalr",
    ]
    code = "\n".join(["import fasrgan_hub", *(f"reveal_type({name})" for name in revealed)])
    code += "".join(f"\nreveal_type(fasrgan_hub.{name})" for name in names)
    (tmp_path / "user.py").write_text(code)
    output = mypy(tmp_path / "user.py")
    types = re.findall(r'Revealed type is "(.*)"', output)
    assert types[:5] == [
        "dict[str, fasrgan_hub.systems.System]",
        "fasrgan_hub.models.generators.Generator",
        "fasrgan_hub.systems.FASRGAN",
        "PIL.Image.Image",
        "fasrgan_hub.upscaling.score_map.ScoreMap",
    ]
    assert types[5] == "Any"
    assert 'Module has no attribute "Upscalr"' in output
    assert output.count("error:") == 1, output
    assert len(types) == 6 + len(names)
    assert all(kind.startswith(("def ", "Overload(")) for kind in types[6:]), types[6:]


def test_the_package_says_that_it_has_types():
    assert (Path(fasrgan_hub.__file__).parent / "py.typed").is_file()
