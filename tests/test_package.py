"""What importing costs, and what it does not load."""

import os
import subprocess
import sys

import pytest

import fasrgan_hub

HEAVY = ("torch", "gradio", "datasets", "accelerate", "PIL", "numpy", "huggingface_hub", "torchvision")


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, fasrgan_hub; print([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_public_name_is_there_and_dir_lists_it():
    for name in fasrgan_hub.__all__:
        assert getattr(fasrgan_hub, name) is not None
        assert name in dir(fasrgan_hub)


def test_nothing_of_the_package_imports_torchvision():
    code = (
        "import sys, pkgutil, importlib, fasrgan_hub\n"
        "for module in pkgutil.walk_packages(fasrgan_hub.__path__, 'fasrgan_hub.'):\n"
        "    try:\n"
        "        importlib.import_module(module.name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        assert error.name in ('gradio', 'gradio_client'), error\n"
        "print('torchvision' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_answers_at_once(option: str):
    """In seconds of the processor, which other work on the machine does not lengthen."""
    seconds = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-m", "fasrgan_hub", option], check=True, capture_output=True)
        after = os.times()
        seconds.append(sum(after[2:4]) - sum(before[2:4]))
    assert min(seconds) < 0.15
