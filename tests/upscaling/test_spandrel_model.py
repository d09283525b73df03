"""Networks of other programs: tiny ones of real architectures, enlarged here and by spandrel itself."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision_shim  # noqa: F401 - before spandrel
from conftest import photo
from PIL import Image
from safetensors.torch import save_file

from fasrgan_hub import ESRGAN, Upscaler, evaluate
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import MissingFileError, UserError
from fasrgan_hub.evaluation.image_pairs import make_lr
from fasrgan_hub.upscaling.engines import bicubic
from fasrgan_hub.upscaling.spandrel_model import read_spandrel

spandrel = pytest.importorskip("spandrel")
pytestmark = pytest.mark.filterwarnings("ignore")  # spandrel's own, of torch.meshgrid and of empty weights

ATTENTION = {"img_size": 16, "num_heads": [2], "upsampler": "pixelshuffledirect"}
NETWORKS = {
    "compact-x4": ("Compact", "Compact", {"num_feat": 8, "num_conv": 2, "upscale": 4}),
    "compact-x1": ("Compact", "Compact", {"num_feat": 8, "num_conv": 2, "upscale": 1}),
    "span-x2": ("SPAN", "SPAN", {"num_in_ch": 3, "num_out_ch": 3, "feature_channels": 8, "upscale": 2}),
    "swinir-x2": ("SwinIR", "SwinIR", {**ATTENTION, "embed_dim": 12, "depths": [2], "window_size": 8, "upscale": 2}),
    "dat-x4": ("DAT", "DAT", {**ATTENTION, "embed_dim": 16, "depth": [2], "split_size": [2, 4], "upscale": 4}),
    "realplksr-x3": ("PLKSR", "RealPLKSR", {"dim": 16, "n_blocks": 2, "upscaling_factor": 3, "kernel_size": 5}),
    "safmn-x2": ("SAFMN", "SAFMN", {"dim": 16, "n_blocks": 2, "upscaling_factor": 2}),
    "gray-x1": ("DnCNN", "DnCNN", {"in_nc": 1, "out_nc": 1, "nc": 8, "nb": 4}),
}  # fmt: skip


def build(name: str) -> torch.nn.Module:
    architecture, cls, sizes = NETWORKS[name]
    torch.manual_seed(0)
    return getattr(importlib.import_module(f"spandrel.architectures.{architecture}"), cls)(**sizes)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    """Each network in a file; half of them .pth, in a container as training programs write it."""
    folder, paths = tmp_path_factory.mktemp("models"), {}
    for number, name in enumerate(NETWORKS):
        weights = {key: value.contiguous() for key, value in build(name).state_dict().items()}
        paths[name] = folder / f"{name}{'.pth' if number % 2 else '.safetensors'}"
        if number % 2:
            torch.save({"params_ema": weights}, paths[name])
        else:
            save_file(weights, paths[name])
    return paths


def by_spandrel(name: str, pixels: np.ndarray) -> np.ndarray:
    """(H, W, C) uint8 -> uint8, by spandrel's own call."""
    model = spandrel.ModelLoader("cpu").load_from_state_dict(build(name).state_dict()).eval()
    x = torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).float() / 255
    return (model(x)[0] * 255).round().byte().permute(1, 2, 0).numpy()


def difference(one: np.ndarray, other: np.ndarray) -> int:
    assert one.shape == other.shape
    return int(np.abs(one.astype(int) - other.astype(int)).max())


@pytest.mark.parametrize("size", [(33, 46), (5, 3)], ids=str)
@pytest.mark.parametrize("name", [name for name in NETWORKS if not name.startswith("gray")])
def test_every_architecture_enlarges_as_spandrel_does(files, name, size):
    """Also images smaller than the architecture takes, or of sides that it does not."""
    pixels = photo(*size)
    upscaler = Upscaler(files[name], tile=0, edges="zeros")
    assert upscaler.model_scale == int(name[-1]) and upscaler.engine_name == "torch f32"
    expected = by_spandrel(name, pixels)
    assert difference(upscaler(pixels), expected) <= 1 and expected.std() > 20


@pytest.mark.parametrize("name", ["compact-x4", "compact-x1", "span-x2", "swinir-x2"])
def test_tiles_give_the_whole_image(files, name):
    """Where nothing is normalized over the image and what the network sees is within the overlap."""
    pixels = photo(210, 230)
    whole, tiled = Upscaler(files[name], tile=0), Upscaler(files[name], tile=40)
    assert 32 <= tiled.overlap <= 65
    counts = []
    assert difference(whole(pixels), tiled(pixels, lambda done, total: counts.append(total))) <= 1
    assert counts[-1] >= 4


def test_a_network_for_gray_images_takes_the_colors_one_by_one(files):
    pixels, upscaler = photo(30, 40), Upscaler(files["gray-x1"], edges="zeros")
    expected = np.concatenate([by_spandrel("gray-x1", pixels[:, :, c : c + 1]) for c in range(3)], axis=2)
    assert difference(upscaler(pixels), expected) <= 1
    gray = upscaler(Image.fromarray(pixels[:, :, 1]))
    assert gray.mode == "L" and difference(np.asarray(gray), expected[:, :, 1]) <= 1


def test_alpha_and_sixteen_bits_are_kept(files):
    pixels = photo(30, 40)
    alpha = np.linspace(0, 65535, 30 * 40).reshape(30, 40, 1).astype(np.uint16)
    deep = np.concatenate([pixels.astype(np.uint16) * 257, alpha], axis=2)
    result = Upscaler(files["swinir-x2"], tile=0, edges="zeros")(deep)
    assert result.dtype == np.uint16 and result.shape == (60, 80, 4)
    expected = bicubic(alpha[:, :, 0][None, None].astype(np.float32) / 65535, 2)[0, 0]
    assert np.abs(result[:, :, 3] / 65535 - expected.clip(0, 1)).max() < 1e-4
    opaque = Upscaler(files["swinir-x2"], tile=0, edges="zeros")(deep[:, :, :3])
    assert difference((opaque / 257).round().astype(np.uint8), by_spandrel("swinir-x2", pixels)) <= 1
    assert len(np.unique(opaque % 257)) > 100, "more than the 8 bits that went in"


def test_other_factors_and_the_context_of_deep_networks(files):
    pixels = photo(20, 30)
    assert Upscaler(files["swinir-x2"], scale=3)(pixels).shape == (60, 90, 3)
    assert Upscaler(files["compact-x1"], scale=1)(pixels).shape == (20, 30, 3)
    assert Upscaler(files["swinir-x2"]).overlap == Upscaler(files["dat-x4"]).overlap == 65
    for scale, overlap, tile in ((4, 57, 285), (2, 114, 570)):
        network = ESRGAN(blocks=23, features=4, growth=32, scale=scale)
        path = files["compact-x4"].with_name("deep.safetensors")
        save_file(network.state_dict(), path)
        deep = Upscaler(path)
        assert (deep.model_scale, deep.overlap, deep.tile) == (scale, overlap, tile), (
            "as our own of that depth"
        )


def test_the_command_takes_a_file_for_every_format(files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(20, 30)).save("a.png")
    for ending in ("png", "tif", "jpg", "webp"):
        words = ["upscale", "a.png", "--model", str(files["swinir-x2"]), "-o", f"out.{ending}", "--json"]
        assert main(words) == 0
        assert Image.open(f"out.{ending}").size == (60, 40)
        assert json.loads(capsys.readouterr().out.splitlines()[0])["engine"] == "torch f32"
    assert main(["upscale", "a.png", "--model", str(files["swinir-x2"])]) == 0
    assert Path("a_x2.png").is_file(), "the factor of the file is in the name"
    models = [f"--model={files[name]}" for name in ("compact-x4", "dat-x4")]
    assert main(["upscale", "a.png", *models, "-o", "both/"]) == 0
    assert {path.name for path in Path("both").iterdir()} == {"a_compact-x4.png", "a_dat-x4.png"}


def test_evaluate_compares_at_the_factor_of_the_file(files, tmp_path):
    (tmp_path / "hr").mkdir()
    hr = photo(60, 80)
    Image.fromarray(hr).save(tmp_path / "hr" / "a.png")
    report = evaluate(files["swinir-x2"], hr=tmp_path / "hr", metrics="psnr")
    lr = make_lr(hr, 2)
    mine = evaluate(lambda image: by_spandrel("swinir-x2", lr), hr=tmp_path / "hr", metrics="psnr", scale=2)
    assert report.means["psnr"] == pytest.approx(mine.means["psnr"], abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "openvino"], "runs under torch alone, not openvino; leave --engine out"),
        (["--engine", "onnx"], "runs under torch alone, not onnx"),
        (["--precision", "f16"], "does not take f16; use f32"),
        (["--precision", "int8"], "engine 'torch' has no int8"),
        (["--fidelity", "0.5"], "names no faithful sibling"),
    ],
)
def test_what_such_a_network_does_not_have_is_one_line(files, tmp_path, capsys, options, message):
    Image.fromarray(photo(20, 30)).save(tmp_path / "a.png")
    assert main(["upscale", str(tmp_path / "a.png"), "--model", str(files["swinir-x2"]), *options]) == 2
    errors = capsys.readouterr().err
    assert message in errors and errors.count("\n") == 1
    assert not list(tmp_path.glob("a_*"))


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def write_broken(folder: Path, files: dict[str, Path]) -> dict[str, str]:
    """Files that are no networks, and what is said of each."""
    weights = build("compact-x4").state_dict()
    save_file({"nonsense.weight": torch.zeros(2)}, folder / "nonsense.safetensors")
    save_file(
        {key: value for key, value in weights.items() if key != "body.2.bias"}, folder / "partial.safetensors"
    )
    (folder / "cut.safetensors").write_bytes(files["compact-x4"].read_bytes()[:-100])
    (folder / "cut.pth").write_bytes(files["compact-x1"].read_bytes()[:-100])
    (folder / "text.pth").write_text("not weights")
    torch.save({"params": Harmful()}, folder / "harmful.pth")
    torch.save([1, 2], folder / "list.pth")
    save_file({key: value[:2] for key, value in weights.items()}, folder / "sizes.safetensors")
    return {
        "nonsense.safetensors": "of an architecture that spandrel does not know",
        "partial.safetensors": "cannot be loaded by spandrel",
        "cut.safetensors": "is not a safetensors file, or is damaged",
        "cut.pth": "is no file of weights, or is damaged",
        "text.pth": "holds more than tensors",
        "harmful.pth": "holds more than tensors",
        "list.pth": "holds no table of weights",
        "sizes.safetensors": "cannot be loaded by spandrel",
        "missing.pth": "there is no file",
    }


def test_files_that_are_no_networks_are_one_line(files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(20, 30)).save("a.png")
    for name, message in write_broken(tmp_path, files).items():
        assert main(["upscale", "a.png", "--model", name]) == 2, name
        errors = capsys.readouterr().err
        assert message in errors and errors.count("\n") == 1 and "Traceback" not in errors, (name, errors)
    assert not Path("harm").exists() and not list(tmp_path.glob("a_*"))
    with pytest.raises(MissingFileError):
        Upscaler("missing.safetensors")


def test_networks_for_other_channels_are_refused(tmp_path):
    two = importlib.import_module("spandrel.architectures.DnCNN").DnCNN(in_nc=2, out_nc=2, nc=8, nb=4)
    save_file(two.state_dict(), tmp_path / "two.safetensors")
    with pytest.raises(UserError, match="no network for color images"):
        read_spandrel(tmp_path / "two.safetensors")


def test_sizes_that_spandrel_guesses_wrongly_are_one_line(tmp_path, capsys):
    weights = (
        importlib.import_module("spandrel.architectures.SCUNet").SCUNet(dim=16, config=[1] * 7).state_dict()
    )
    save_file({key: value.contiguous() for key, value in weights.items()}, tmp_path / "scunet.safetensors")
    Image.fromarray(photo(20, 30)).save(tmp_path / "a.png")
    assert main(["upscale", str(tmp_path / "a.png"), "--model", str(tmp_path / "scunet.safetensors")]) == 2
    errors = capsys.readouterr().err
    assert "'scunet.safetensors' failed as spandrel understands it" in errors and "Traceback" not in errors


def test_a_torchvision_of_another_torch_does_not_matter(files, tmp_path):
    """In a process without the shim of these tests."""
    code = f"""
import numpy as np
from fasrgan_hub import Upscaler
print(Upscaler({str(files["compact-x4"])!r})(np.zeros((8, 9, 3), np.uint8)).shape)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert result.stdout == "(32, 36, 3)\n", result.stderr
