"""Foreign files: weights are imported bit for bit, every error is one line, and nothing in a file is run."""

import os
import pickle
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import fasrgan_hub
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import UserError
from fasrgan_hub.interop.foreign_checkpoints import import_model, read_generator
from fasrgan_hub.systems import ESRGAN, FAFsSRGAN, FsSRGAN

SIZES = {"blocks": 2, "features": 8, "growth": 4}
TAILS = {"conv_up1": "3", "conv_up2": "6", "conv_hr": "8", "conv_last": "10"}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ESRGAN(**SIZES).eval()


def old(weights):
    """Old ESRGAN names, as in the paper's published files."""
    blocks = len({key.split(".")[1] for key in weights if key.startswith("body.")})
    renamed = {}
    for key, tensor in weights.items():
        name, end = key.rsplit(".", 1)
        if match := re.fullmatch(r"body\.(\d+)\.rdb(\d)\.conv(\d)", name):
            name = "model.1.sub.{}.RDB{}.conv{}.0".format(*match.groups())
        else:
            name = {"conv_first": "model.0", "conv_body": f"model.1.sub.{blocks}"}.get(
                name
            ) or f"model.{TAILS[name]}"
        renamed[f"{name}.{end}"] = tensor
    return renamed


def later(weights):
    """ESRGAN's own later names."""
    names = {
        "conv_body": "trunk_conv",
        "body.": "RRDB_trunk.",
        ".rdb": ".RDB",
        "conv_hr": "HRconv",
        "conv_up": "upconv",
    }
    renamed = {}
    for key, tensor in weights.items():
        for ours, theirs in names.items():
            key = key.replace(ours, theirs)
        renamed[key] = tensor
    return renamed


def same(weights, expected):
    return weights.keys() == expected.keys() and all(
        torch.equal(weights[key], expected[key]) for key in expected
    )


def part(weights, prefix):
    return {key.removeprefix(prefix): tensor for key, tensor in weights.items() if key.startswith(prefix)}


@pytest.mark.parametrize("layout", [old, later, dict])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda w: w,
        lambda w: {"params": {key: tensor + 1 for key, tensor in w.items()}, "params_ema": w},
        lambda w: {"params": w, "iter": 5},
        lambda w: {"epoch": 3, "state_dict": {f"module.netG.{key}": tensor for key, tensor in w.items()}},
        lambda w: {f"generator.{key}": tensor for key, tensor in w.items()},
    ],
)
def test_every_layout_in_every_wrapping_comes_in_bit_for_bit(tmp_path, model, layout, wrap):
    torch.save(wrap(layout(model.state_dict())), tmp_path / "net.pth")
    loaded = read_generator([tmp_path / "net.pth"])
    assert same(loaded.state_dict(), model.state_dict())
    assert loaded.config == model.config and not loaded.training


@torch.no_grad()
@pytest.mark.parametrize("layout", [old, later, dict])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_generator_behind_a_pixel_unshuffle_enlarges_as_spandrel_does(tmp_path, scale, layout):
    """The layout of Real-ESRGAN's x2plus: 12 or 48 channels go into the first convolution."""
    import torchvision_shim  # noqa: F401 - before spandrel

    spandrel = pytest.importorskip("spandrel")
    torch.manual_seed(0)
    weights = ESRGAN(blocks=2, features=8, growth=32).state_dict()
    channels = 3 * (4 // scale) ** 2
    weights["conv_first.weight"] = torch.randn(8, channels, 3, 3) / 9 / channels**0.5
    torch.save({"params_ema": layout(weights)}, tmp_path / "x2plus.pth")
    folder = import_model([tmp_path / "x2plus.pth"], tmp_path / "imported")
    assert f"x{scale} super-resolution" in (folder / "README.md").read_text()
    model, expected = (
        fasrgan_hub.from_pretrained(folder),
        spandrel.ModelLoader("cpu").load_from_file(tmp_path / "x2plus.pth"),
    )
    assert model.scale == expected.scale == scale
    for size in ((16, 24), (13, 7)):
        x = torch.rand(1, 3, *size)
        y = model(x)
        assert y.shape == (1, 3, scale * size[0], scale * size[1])
        assert torch.allclose(y, expected.model(x), atol=1e-5)
        assert y.std() > 1e-3
        image = (x[0].permute(1, 2, 0) * 255).round().byte().numpy()
        assert fasrgan_hub.Upscaler(folder, engine="torch")(image).shape[:2] == y.shape[2:]


def test_the_folder_opens_and_says_where_it_comes_from(tmp_path, model):
    save_file(model.state_dict(), tmp_path / "net.safetensors")
    folder = import_model([tmp_path / "net.safetensors"], tmp_path / "imported", "fasrgan")
    loaded = fasrgan_hub.FASRGAN.from_pretrained(folder)
    assert same(loaded.state_dict(), model.state_dict())
    assert "`net.safetensors` (SHA-256 " in (folder / "README.md").read_text()


def test_half_precision_becomes_float32(tmp_path, model):
    torch.save({key: tensor.half() for key, tensor in model.state_dict().items()}, tmp_path / "net.pth")
    loaded = read_generator([tmp_path / "net.pth"]).state_dict()
    assert all(tensor.dtype == torch.float32 for tensor in loaded.values())
    assert same(loaded, {key: tensor.half().float() for key, tensor in model.state_dict().items()})


@pytest.mark.parametrize(("system", "shared"), [(FsSRGAN, 1), (FAFsSRGAN, 2)])
def test_generator_and_extractor_come_as_two_files_in_any_order(tmp_path, system, shared):
    model = system(**SIZES, shared_blocks=shared)
    extractor = part(model.state_dict(), "extractor.")
    generator = {key: value for key, value in model.state_dict().items() if not key.startswith("extractor.")}
    torch.save(old(generator), tmp_path / "G.pth")
    torch.save(old(extractor), tmp_path / "E.pth")
    for names in (("G.pth", "E.pth"), ("E.pth", "G.pth")):
        loaded = read_generator([tmp_path / name for name in names])
        assert type(loaded) is system and same(loaded.state_dict(), model.state_dict())
    for alone, message in (("G.pth", "extractor"), ("E.pth", "missing")):
        with pytest.raises(UserError, match=message):
            read_generator([tmp_path / alone])


@torch.no_grad()
def test_an_extractor_without_trunk_convolution_and_without_index_computes_the_same(tmp_path):
    model = FsSRGAN(**SIZES, shared_blocks=1)
    extractor = part(model.state_dict(), "extractor.")
    generator = {key: value for key, value in model.state_dict().items() if not key.startswith("extractor.")}
    bare = {
        key.replace("sub.0.", "sub."): value for key, value in old(extractor).items() if "sub.1." not in key
    }
    assert any(key.startswith("model.1.sub.RDB1.") for key in bare)
    torch.save(old(generator), tmp_path / "G.pth")
    torch.save(bare, tmp_path / "E.pth")
    loaded = read_generator([tmp_path / "G.pth", tmp_path / "E.pth"])
    x = torch.rand(1, 3, 7, 9)
    first = model.extractor.conv_first(x)
    assert torch.allclose(loaded.extractor(x), first + model.extractor.body(first), atol=1e-6)


def broken(change):
    def make(weights):
        change(weights)
        return weights

    return make


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (broken(lambda w: w.pop("conv_hr.bias")), "missing: conv_hr.bias"),
        (broken(lambda w: w.pop("body.0.rdb2.conv3.weight")), "missing: body.0.rdb2.conv3.weight"),
        (broken(lambda w: w.update(extra=torch.ones(2))), "unexpected: extra"),
        (
            broken(lambda w: w.update({"conv_hr.weight": torch.ones(8, 8, 1, 1)})),
            r"wrong shape: conv_hr.weight \(8, 8",
        ),
        (
            broken(lambda w: w.update({"conv_hr.bias": torch.full((8,), torch.nan)})),
            "conv_hr.bias .* not finite",
        ),
        (
            broken(lambda w: w.update({"conv_hr.bias": torch.ones(8, dtype=torch.int64)})),
            "conv_hr.bias .*int64",
        ),
        (broken(lambda w: w.update({"conv_first.weight": torch.ones(8, 27, 3, 3)})), "takes 27 channels"),
        (broken(lambda w: w.update({"conv_first.weight": torch.ones(8, 1, 3, 3)})), "conv_first.weight"),
        (broken(lambda w: w.update({"body.9999999.rdb1.conv1.weight": torch.ones(4, 8, 3, 3)})), "9999999"),
        (lambda w: {k: v for k, v in old(w).items() if not k.startswith("model.10.")}, "enlarges 2 times"),
        (lambda w: old(w) | {"model.13.weight": torch.ones(3, 8, 3, 3)}, "enlarges 8 times"),
        (
            lambda w: {"body.0.weight": torch.ones(1), "body.1.weight": torch.ones(1)},
            "body.0.weight, body.1.weight",
        ),
        (lambda w: {"params": {}}, "no weights"),
        (lambda w: {"step": 7}, "no weights"),
        (lambda w: list(w.values()), "no table"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, model, make, message):
    torch.save(make(dict(model.state_dict())), tmp_path / "net.pth")
    with pytest.raises(UserError, match=message) as caught:
        read_generator([tmp_path / "net.pth"])
    assert "\n" not in str(caught.value)


class Attack:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.system, (f"touch {self.marker}",))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_something_is_refused(tmp_path, capsys, zipped):
    marker, file = tmp_path / "ran", tmp_path / "net.pth"
    if zipped:
        torch.save({"params": Attack(marker)}, file)
    else:
        file.write_bytes(pickle.dumps(Attack(marker), protocol=2))
    assert main(["import", str(file), "-o", str(tmp_path / "out")]) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and "more than tensors" in errors
    assert not marker.exists() and not (tmp_path / "out").exists()


def test_damaged_files_are_one_line(tmp_path, model):
    torch.save(model.state_dict(), tmp_path / "whole.pth")
    save_file(model.state_dict(), tmp_path / "whole.safetensors")
    for name in ("whole.pth", "whole.safetensors"):
        data = (tmp_path / name).read_bytes()
        for number, content in enumerate((b"", b"hello" * 99, data[: len(data) // 2], b"\x80\x02}q\x00.")):
            file = tmp_path / f"damaged{number}-{name}"
            file.write_bytes(content)
            with pytest.raises(UserError, match=re.escape(file.name)) as caught:
                read_generator([file])
            assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="no file"):
        read_generator([tmp_path / "absent.pth"])


def test_a_container_that_holds_itself_is_one_line(tmp_path):
    content = {}
    content["params"] = content
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(UserError, match="holds no weights"):
        read_generator([tmp_path / "x.pth"])


def test_a_system_that_cannot_hold_it_and_two_generators_are_refused(tmp_path, model):
    for name in ("a.pth", "b.pth"):
        torch.save(model.state_dict(), tmp_path / name)
    with pytest.raises(UserError, match="srgan does not have"):
        read_generator([tmp_path / "a.pth"], "srgan")
    with pytest.raises(UserError, match="repeats"):
        read_generator([tmp_path / "a.pth", tmp_path / "b.pth"])


def test_the_command_takes_no_folder_that_holds_something(tmp_path, capsys, model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(model.state_dict(), "net.pth")
    assert main(["import", "net.pth"]) == 0
    before = Path("net/model.safetensors").stat().st_mtime_ns
    assert main(["import", "net.pth"]) == 2
    assert "not empty" in capsys.readouterr().err
    assert Path("net/model.safetensors").stat().st_mtime_ns == before
