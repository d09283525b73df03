from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision_shim  # noqa: F401 - before spandrel
from torch import Tensor

from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import UserError
from fasrgan_hub.interop.export import export
from fasrgan_hub.models.generators import Generator
from fasrgan_hub.systems import FASRGAN, SRGAN, FsSRGAN
from fasrgan_hub.upscaling.engines import convert

NETWORKS = {
    "rrdb": lambda: FASRGAN(blocks=1, features=8, growth=4),
    "shared": lambda: FsSRGAN(blocks=1, features=8, growth=4, shared_blocks=1),
    "srresnet": lambda: SRGAN(blocks=1, features=8),
    "x1": lambda: FASRGAN(blocks=1, features=8, growth=4, scale=1),
    "x2": lambda: SRGAN(blocks=1, features=8, scale=2),
    "x3": lambda: FsSRGAN(blocks=1, features=8, growth=4, shared_blocks=1, scale=3),
}
SIZES = [(1, 1, 1), (1, 7, 40), (3, 26, 11)]


def build(kind: str = "rrdb") -> Generator:
    torch.manual_seed(0)
    return NETWORKS[kind]().eval()


def image(batch: int, height: int, width: int) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(height))


@torch.inference_mode()
def exact(network: Generator, x: Tensor) -> np.ndarray:
    return network(x).numpy()


@pytest.mark.parametrize("kind", NETWORKS)
def test_onnx_takes_any_size(tmp_path: Path, kind: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    network = build(kind)
    exported = export(network, tmp_path / "a.onnx")
    assert exported.files == (tmp_path / "a.onnx",) and exported.largest < 1e-4
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    for size in SIZES:
        x = image(*size)
        (y,) = session.run(["enlarged"], {"image": x.numpy()})
        np.testing.assert_allclose(y, exact(network, x), atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "precision", "limit"),
    [("shared", "f32", 1e-5), ("shared", "f16", 1e-2), ("x1", "f32", 1e-5), ("x2", "f32", 1e-5)],
)
def test_openvino_takes_any_size(tmp_path: Path, kind: str, precision: str, limit: float) -> None:
    openvino = pytest.importorskip("openvino")
    network = build(kind)
    exported = export(network, tmp_path / "a.xml", precision)
    assert exported.files == (tmp_path / "a.bin", tmp_path / "a.xml")
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(tmp_path / "a.xml", "CPU", settings)
    for size in SIZES:
        x = image(*size)
        np.testing.assert_allclose(compiled({"image": x.numpy()})["enlarged"], exact(network, x), atol=limit)
    parameters = sum(p.numel() for p in network.parameters())
    assert exported.files[0].stat().st_size < parameters * (3 if precision == "f16" else 5) + 2000


@pytest.mark.parametrize(("growth", "scale"), [(7, 4), (32, 4), (32, 2), (7, 1)])
def test_spandrel_opens_any_growth_and_gives_the_same_image(tmp_path: Path, growth: int, scale: int) -> None:
    spandrel = pytest.importorskip("spandrel")
    network = FASRGAN(blocks=2, features=12, growth=growth, scale=scale).eval()
    export(network, tmp_path / "lite.safetensors")
    loaded = spandrel.ModelLoader("cpu").load_from_file(tmp_path / "lite.safetensors")
    assert (loaded.architecture.id, loaded.scale, loaded.input_channels) == ("ESRGAN", scale, 3)
    x = image(1, 24, 31)
    with torch.inference_mode():
        np.testing.assert_allclose(loaded.model(x).numpy(), exact(network, x), atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "name", "precision", "message"),
    [
        ("shared", "a.safetensors", "f32", "FsSRGAN.*export it as .onnx"),
        ("srresnet", "a.safetensors", "f32", "SRGAN.*export it as .onnx"),
        ("x3", "a.safetensors", "f32", "FsSRGAN of scale 3"),
        ("rrdb", "a.pth", "f32", "must end in .onnx, .xml, .safetensors"),
        ("rrdb", "a", "f32", "must end in"),
        ("rrdb", "a.onnx", "int8", "onnx has no int8"),
        ("rrdb", "none/a.onnx", "f32", "cannot write into the folder"),
    ],
)
def test_what_does_not_go_is_refused_and_nothing_is_left(
    tmp_path: Path, kind: str, name: str, precision: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        export(build(kind), tmp_path / name, precision)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_gives_another_image_is_not_handed_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    write = convert.write_onnx
    (tmp_path / "a.onnx").write_bytes(b"old")

    def wrong(model: Generator, path: Path) -> None:
        other = build()
        torch.nn.init.ones_(other.conv_last.bias)
        write(other, path)

    monkeypatch.setattr(convert, "write_onnx", wrong)
    with pytest.raises(UserError, match="not written"):
        export(build(), tmp_path / "a.onnx")
    assert [p.name for p in tmp_path.iterdir()] == ["a.onnx"]
    assert (tmp_path / "a.onnx").read_bytes() == b"old"


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build().save_pretrained(tmp_path / "model")
    assert main(["export", str(tmp_path / "model"), "-o", str(tmp_path / "a.safetensors")]) == 0
    output = capsys.readouterr().out
    assert "a.safetensors" in output and "of 255 levels" in output
    assert main(["export", str(tmp_path / "model"), "-o", str(tmp_path / "a.gif")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_int8_is_close_and_smaller(tmp_path: Path) -> None:
    pytest.importorskip("nncf")
    plain = export(build(), tmp_path / "a.xml")
    small = export(build(), tmp_path / "b.xml", "int8")
    assert plain.mean < small.mean < 0.02
    assert small.files[0].stat().st_size < plain.files[0].stat().st_size / 2
