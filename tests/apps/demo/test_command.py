"""`fasrgan demo` where it cannot start."""

import importlib.util
import sys

import pytest

from fasrgan_hub.apps.cli.main import main


def test_without_gradio_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["demo"]) == 2
    line = "fasrgan: error: the page needs gradio: pip install 'fasrgan-hub[space]'\n"
    assert capsys.readouterr().err == line


@pytest.mark.skipif(not importlib.util.find_spec("gradio"), reason="needs the extra [space]")
def test_a_wrong_limit_is_one_line(monkeypatch, capsys):
    monkeypatch.setenv("FASRGAN_DEMO_QUEUE", "many")
    assert main(["demo"]) == 2
    assert "FASRGAN_DEMO_QUEUE is 'many'" in capsys.readouterr().err
