"""Strict loading: what does not fit is refused by name."""

import json
import pickle
import resource
import time

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from fasrgan_hub import ESRGAN, FASRGAN, UNetDiscriminator, VGGDiscriminator
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import UserError

TINY = {"blocks": 1, "features": 4, "growth": 2}


@pytest.fixture
def folder(tmp_path):
    FASRGAN(**TINY).save_pretrained(tmp_path)
    return tmp_path


def rewrite(folder, change):
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("conv_last.bias"), "missing: conv_last.bias"),
        (lambda w: w.update(extra=torch.zeros(1)), "unexpected: extra"),
        (
            lambda w: w.update({"conv_last.bias": torch.zeros(4)}),
            r"wrong shape: conv_last.bias \(4,\) instead of \(3,\)",
        ),
    ],
)
def test_files_that_do_not_fit_are_refused_by_key(folder, change, message):
    rewrite(folder, change)
    with pytest.raises(UserError, match=message):
        FASRGAN.from_pretrained(folder)


def test_a_file_of_all_wrong_keys_is_refused(folder):
    save_file({"model.0.weight": torch.zeros(1)}, folder / "model.safetensors")
    with pytest.raises(UserError, match=r"missing: .* and \d+ more; unexpected: model.0.weight"):
        FASRGAN.from_pretrained(folder)


def test_a_pickle_is_never_opened(folder):
    (folder / "model.safetensors").unlink()

    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was run",))

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(UserError, match="pickle, which can run code"):
        FASRGAN.from_pretrained(folder)
    (folder / "pytorch_model.bin").rename(folder / "model.safetensors")
    with pytest.raises(UserError, match="not a safetensors file"):
        FASRGAN.from_pretrained(folder)


def test_the_class_must_match(folder):
    with pytest.raises(UserError, match="holds FASRGAN, not ESRGAN"):
        ESRGAN.from_pretrained(folder)


def test_a_config_that_describes_nothing_is_refused(folder):
    (folder / "config.json").write_text(json.dumps({"_model_class": "FASRGAN", "depth": 3}))
    with pytest.raises(UserError, match="does not describe FASRGAN"):
        FASRGAN.from_pretrained(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match="not valid JSON"):
        FASRGAN.from_pretrained(folder)


@pytest.mark.parametrize(
    ("size", "value"), [("scale", "abc"), ("scale", [4]), ("blocks", "6"), ("blocks", None)]
)
def test_a_size_that_is_no_number_is_one_line_for_every_reader(folder, capsys, size, value):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {size: value}))
    with pytest.raises(UserError, match=f"says that {size} is .*, which is no whole number"):
        FASRGAN.from_pretrained(folder)
    Image.new("RGB", (8, 8)).save(folder / "small.png")
    assert (
        main(["upscale", str(folder / "small.png"), "-o", str(folder / "x.png"), "--model", str(folder)]) == 2
    )
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_saving_is_quiet_and_keeps_a_hand_written_card(folder, capfd):
    (folder / "README.md").write_text("by hand")
    FASRGAN.from_pretrained(folder).save_pretrained(folder)
    assert (folder / "README.md").read_text() == "by hand"
    assert capfd.readouterr() == ("", "")


def test_plain_generators_use_the_new_esrgan_key_names(folder):
    keys = set(load_file(folder / "model.safetensors"))
    assert {"conv_first.weight", "body.0.rdb3.conv5.bias", "conv_body.weight", "conv_up2.bias"} <= keys
    assert {"conv_hr.weight", "conv_last.bias"} <= keys


@pytest.mark.parametrize(
    "arguments",
    [
        {"blocks": 10**9},
        {"shared_blocks": 10**5},
        {"features": 10**5, "growth": 10**5},
        {"features": 10**9},
        {"growth": 10**30},
        {"features": -1},
        {"features": "64"},
        {"blocks": [3]},
        {"blocks": 60, "features": 10**4},
    ],
)
def test_a_config_that_asks_for_a_gigantic_network_is_refused_at_once(folder, arguments):
    (folder / "config.json").write_text(json.dumps({"_model_class": "FASRGAN", **TINY, **arguments}))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    with pytest.raises(UserError, match=r"does not (describe|fit) FASRGAN|no whole number") as caught:
        FASRGAN.from_pretrained(folder)
    assert "\n" not in str(caught.value)
    assert time.process_time() - started < 15
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB


@pytest.mark.parametrize("kind", [UNetDiscriminator, VGGDiscriminator])
@pytest.mark.parametrize("norm", ["batch", "spectral", "none"])
def test_what_was_saved_is_what_is_loaded(tmp_path, kind, norm):
    saved = kind(width=4, crop=0, hidden=4, norm=norm, own_blocks=1).eval()
    saved.save_pretrained(tmp_path)
    loaded = kind.from_pretrained(tmp_path)
    state, again = saved.state_dict(), loaded.state_dict()
    assert state.keys() == again.keys() and all(torch.equal(state[key], again[key]) for key in state)
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(saved(x).image, loaded(x).image)
    persistent = {*dict(loaded.named_parameters()), *state}
    assert all(name in persistent and not buffer.is_meta for name, buffer in loaded.named_buffers())
