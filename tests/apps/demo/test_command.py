"""`fasrgan demo` where it cannot start."""

import importlib.util

import pytest

from fasrgan_hub.apps.cli import demo
from fasrgan_hub.apps.cli.main import main


def test_without_gradio_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert main(["demo"]) == 2
    assert (
        capsys.readouterr().err == 'fasrgan: error: the page needs Gradio: pip install "fasrgan-hub[space]"\n'
    )


@pytest.mark.skipif(not importlib.util.find_spec("gradio"), reason="needs the extra [space]")
def test_a_wrong_limit_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("FASRGAN_DEMO_QUEUE", "many")
    assert main(["demo"]) == 2
    assert "FASRGAN_DEMO_QUEUE is 'many'" in capsys.readouterr().err
