"""`fasrgan train` and `python -m fasrgan_hub.train`: the trainer's command line behind both."""

import subprocess
import sys

import pytest

from fasrgan_hub.apps.cli.main import main

MISTAKE = ["--system", "fasrgan-lite", "--data", "folder:x", "--output", "y", "--data.batch=0"]


def test_every_word_is_for_the_trainer(capsys):
    assert main(["train", *MISTAKE]) == 2
    assert capsys.readouterr().err == "fasrgan train: error: data.batch is 0; it must be positive\n"
    with pytest.raises(SystemExit) as stop:
        main(["train", "--help"])
    assert stop.value.code == 0
    assert "--losses.attention ATTENTION" in capsys.readouterr().out


def test_the_module_is_the_trainer():
    command = [sys.executable, "-m", "fasrgan_hub.train", *MISTAKE]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 2
    assert process.stderr == "fasrgan_hub.train: error: data.batch is 0; it must be positive\n"
