"""A run killed at any moment leaves a model folder that opens, or none."""

import os
import shutil
import sys

import pytest
from accelerate import Accelerator
from small import config, fresh_accelerate, tiny_features  # noqa: F401

import fasrgan_hub
from fasrgan_hub import UNetDiscriminator
from fasrgan_hub.training import card
from fasrgan_hub.training.loop import set_up, train


class Pulled(BaseException):
    """The plug."""


class Plug:
    """Ends the program at the n-th time that it touches a file below a folder (0: never), and counts the times."""

    def __init__(self):
        self.folder, self.after, self.count, self.written = None, 0, 0, set()
        sys.addaudithook(self.hook)

    def hook(self, event, arguments):
        if self.folder is None or event not in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"):
            return
        path = os.fspath(arguments[0]) if isinstance(arguments[0], str | os.PathLike) else ""
        reads = event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if not str(path).startswith(str(self.folder)) or reads:
            return
        if event == "open":
            self.written.add(str(path))
        self.count += 1
        if self.count == self.after:
            raise Pulled

    def during(self, action, folder, after=0):
        self.folder, self.after, self.count = folder, after, 0
        try:
            action()
        except Pulled:
            pass
        finally:
            self.folder = None
        return self.count


@pytest.mark.usefixtures("tiny_features")
def test_the_model_folder_opens_whenever_the_plug_is_pulled(photos, tmp_path, monkeypatch):
    monkeypatch.setattr(card, "draw_curves", lambda *_: None)  # slow, and no part of what is loaded
    settings = config(photos, tmp_path / "run", steps=1)
    train(settings)
    run = set_up(settings, Accelerator(), resume=True)
    model, plug = run.folder / "model", Plug()
    moments = plug.during(run.save_model, run.folder)
    assert moments > 8
    ends = ("config.json", "model.safetensors")
    named = [path for path in plug.written if path.endswith(ends) and ".partial" not in path]
    assert not named, "what a model needs is never opened for writing under its name"
    for first in (False, True):
        for moment in range(1, moments + 1):
            if first:
                shutil.rmtree(model, ignore_errors=True)
            plug.during(run.save_model, run.folder, moment)
            assert first or model.exists()
            if model.exists():
                fasrgan_hub.from_pretrained(model)
                UNetDiscriminator.from_pretrained(model, subfolder="discriminator")
    run.save_model()
    assert not list(run.folder.rglob("*partial*"))
