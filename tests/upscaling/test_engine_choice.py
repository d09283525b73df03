"""Which engine and precision are taken where the user leaves them open, and what is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from fasrgan_hub.errors import UserError
from fasrgan_hub.upscaling.engines import choice
from fasrgan_hub.upscaling.engines.choice import choose


@pytest.mark.parametrize(
    ("installed", "bf16", "wanted", "taken"),
    [
        ("openvino onnxruntime", True, (), "openvino bf16"),
        ("openvino onnxruntime", False, (), "openvino f32"),
        ("onnxruntime", True, (), "torch bf16"),
        ("onnxruntime", False, (), "onnx f32"),
        ("", True, (), "torch bf16"),
        ("", False, (), "torch f32"),
        ("onnxruntime", True, ("auto", "f32"), "onnx f32"),
        ("openvino", True, ("auto", "f32"), "openvino f32"),
        ("openvino", True, ("auto", "int8"), "openvino int8"),
        ("openvino", True, ("torch",), "torch bf16"),
        ("openvino onnxruntime", True, ("onnx",), "onnx f32"),
        ("openvino", True, ("auto", None, "cpu", True), "torch f32"),
    ],
)
def test_auto_takes_the_fastest_of_what_is_there(
    monkeypatch: pytest.MonkeyPatch, installed: str, bf16: bool, wanted: tuple, taken: str
) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: name in (*installed.split(), "torch") or None)
    monkeypatch.setattr(choice, "cpu_has_bf16", lambda *_: bf16)
    assert str(choose(*wanted)) == taken


@pytest.mark.slow
def test_without_a_driver_nobody_asks_torch(tmp_path: Path) -> None:
    """A plain computer with OpenVINO enlarges an image without loading torch, which takes longer than the image."""
    code = (
        "import sys\n"
        "from fasrgan_hub.apps.cli.main import main\n"
        "from fasrgan_hub.upscaling.engines import choice\n"
        "choice.DRIVERS = ()\n"
        "print(main(sys.argv[1:]), 'torch' in sys.modules)"
    )
    Image.new("RGB", (8, 8), "teal").save(tmp_path / "in.png")
    command = [sys.executable, "-c", code, "upscale", str(tmp_path / "in.png")]
    environment = os.environ | {"FASRGAN_HUB_CACHE": str(tmp_path)}
    printed = [
        subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()
        for _ in range(2)
    ]
    assert printed == [["0", "True"], ["0", str(sys.platform != "linux")]], "torch converts the network once"


def test_an_accelerator_means_torch_in_f16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert str(choose()) == "torch f16 on cuda"
    assert str(choose(device="cuda:1", precision="bf16")) == "torch bf16 on cuda:1"
    assert choose("openvino").device == "cpu"
    assert choose(device="cpu").device == "cpu"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (("tensorrt",), "auto, openvino, torch, onnx"),
        (("auto", "f64"), "f32, bf16, f16 and int8"),
        (("onnx", "int8"), "onnx.* has no int8"),
        (("torch", "int8"), "torch.* has no int8"),
        (("openvino", None, "cuda"), "only torch runs on 'cuda'"),
    ],
)
def test_what_does_not_go_together_is_refused(wanted: tuple, message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose(*wanted)


def test_a_missing_runtime_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    for engine in ("openvino", "onnx"):
        with pytest.raises(UserError, match=rf"pip install 'fasrgan-hub\[{engine}\]'"):
            choose(engine)


def test_a_numbered_cpu_is_the_cpu() -> None:
    assert choose(device="cpu:0") == choose(device="cpu")
