import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fasrgan_hub import Upscaler
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import FailedError, UserError
from fasrgan_hub.hub.model_files import DIFFICULTY
from fasrgan_hub.interop.web_export import GRAPHS, WEIGHTS, export_for
from fasrgan_hub.models.error_estimator import ErrorEstimator
from fasrgan_hub.systems import FASRGAN, SRGAN, FsSRGAN
from fasrgan_hub.upscaling.network_interpolation import between

onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
LITE = "fasrgan-lite-x4"
TRANSFORMERS_JS = "@huggingface/transformers@4.3.1"
SCRIPT = Path(__file__).with_name("image_to_image.mjs")

NETWORKS = {
    "rrdb": lambda: FASRGAN(blocks=1, features=8, growth=4),
    "shared": lambda: FsSRGAN(blocks=1, features=8, growth=4, shared_blocks=1),
    "srresnet-x2": lambda: SRGAN(blocks=1, features=8, scale=2),
}


def build(kind: str = "rrdb", seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return NETWORKS[kind]().eval()


@torch.inference_mode()
def assert_equal(graph: Path, network: torch.nn.Module, names: tuple[str, str], limit: float) -> None:
    """The graph gives the network's result at several sizes."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    for height, width in ((1, 1), (7, 40), (26, 11)):
        x = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height))
        (y,) = session.run([names[1]], {names[0]: x.numpy()})
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, network(x).numpy(), atol=limit)


@pytest.mark.parametrize("kind", NETWORKS)
def test_both_graphs_for_browsers_give_the_networks_result(tmp_path: Path, kind: str) -> None:
    network = build(kind)
    exported = export_for("browser", network, tmp_path / "new" / "folder")
    assert sorted(exported.files) == sorted((tmp_path / "new" / "folder").iterdir())
    for precision, limit in (("f32", 1e-5), ("f16", 1e-2)):
        graph = tmp_path / "new" / "folder" / GRAPHS[precision]
        assert_equal(graph, network, ("image", "enlarged"), limit)


def test_the_weights_are_plain_numbers_that_can_be_interpolated(tmp_path: Path) -> None:
    """What the page does for a fidelity between 0 and 1: one graph, and numbers between those of two files."""
    ours, faithful = build(seed=1), build(seed=2)
    for network, name in ((ours, "a"), (faithful, "b")):
        export_for("browser", network, tmp_path / name)
    assert (tmp_path / "a" / GRAPHS["f32"]).read_bytes() == (tmp_path / "b" / GRAPHS["f32"]).read_bytes()
    a, b = (np.fromfile(tmp_path / name / WEIGHTS["f32"], "<f4") for name in "ab")
    assert a.size == sum(parameter.numel() for parameter in ours.parameters())
    (a + np.float32(0.25) * (b - a)).tofile(tmp_path / "a" / WEIGHTS["f32"])
    assert_equal(tmp_path / "a" / GRAPHS["f32"], between(ours, faithful, 0.25), ("image", "enlarged"), 1e-5)
    rounded = np.fromfile(tmp_path / "b" / WEIGHTS["f16"], "<f2")
    np.testing.assert_array_equal(rounded, b.astype(np.float16))


def test_the_manifest_says_how_to_cut_tiles_and_names_the_license(tmp_path: Path) -> None:
    export_for("browser", build("srresnet-x2"), tmp_path / "x2")
    manifest = json.loads((tmp_path / "x2" / "manifest.json").read_text())
    upscaler = Upscaler(build("srresnet-x2"))
    assert (manifest["scale"], manifest["step"], manifest["license"]) == (2, 2, "unknown")
    assert manifest["overlap"] == upscaler.overlap and manifest["margin"] == 16 and manifest["tile"] % 2 == 0
    assert main(["export", LITE, "-o", str(tmp_path / "lite"), "--for", "browser"]) == 0
    assert json.loads((tmp_path / "lite" / "manifest.json").read_text())["license"] == "apache-2.0"
    assert not (tmp_path / "lite" / "LICENSE").exists()


@pytest.mark.parametrize("program", ["browser", "transformers.js"])
def test_the_license_that_came_with_the_weights_goes_along(tmp_path: Path, program: str) -> None:
    build("srresnet-x2").save_pretrained(tmp_path / "model")
    (tmp_path / "model" / "LICENSE").write_text("Copyright (c) 2021, somebody")
    exported = export_for(program, tmp_path / "model", tmp_path / "out")
    assert tmp_path / "out" / "LICENSE" in exported.files
    assert (tmp_path / "out" / "LICENSE").read_text() == "Copyright (c) 2021, somebody"


def test_a_precision_is_not_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", LITE, "-o", "out", "--for", "browser", "--precision", "int8"]) == 2
    assert "leave --precision out" in capsys.readouterr().err


@pytest.mark.parametrize("reference", ["", "fasrgan-lite-psnr-x2"])
def test_the_error_map_comes_with_the_model(tmp_path: Path, reference: str) -> None:
    """Without what the reference makes of the image: a page has no second model."""
    torch.manual_seed(0)
    estimator = ErrorEstimator(scale=2, reference=reference).eval()
    build("srresnet-x2").save_pretrained(tmp_path / "model")
    estimator.save_pretrained(tmp_path / "model" / DIFFICULTY)
    export_for("browser", tmp_path / "model", tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    damage_graph, error_graph = (
        onnxruntime.InferenceSession(tmp_path / "out" / manifest["error_map"][output])
        for output in ("damage", "error")
    )
    whole, small, result = torch.rand(1, 3, 35, 90), torch.rand(1, 3, 21, 18), torch.rand(1, 3, 42, 36)
    (damage,) = damage_graph.run(["damage"], {"image": whole.numpy()})
    inputs = {"image": small.numpy(), "result": result.numpy(), "damage": damage}
    (error,) = error_graph.run(["error"], inputs)
    with torch.inference_mode():
        expected = estimator.damage_of(whole)
        np.testing.assert_allclose(damage, expected.numpy(), atol=1e-4)
        np.testing.assert_allclose(error, estimator(result, small, expected).numpy(), rtol=1e-3)
    export_for("browser", build(), tmp_path / "other")
    assert "error_map" not in json.loads((tmp_path / "other" / "manifest.json").read_text())


def test_an_overflow_in_f16_is_not_handed_out(tmp_path: Path) -> None:
    network = build()
    with torch.no_grad():
        network.conv_first.weight.mul_(1e6)
        network.conv_hr.weight.mul_(1e-6)
    with pytest.raises(FailedError, match="not written"):
        export_for("browser", network, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_other_programs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'cobol'; there are browser"):
        export_for("cobol", build(), tmp_path)


def test_the_layout_of_transformers_js(tmp_path: Path) -> None:
    network = build("shared")
    exported = export_for("transformers.js", network, tmp_path)
    assert all(file.is_file() for file in exported.files) and len(exported.files) == 4
    for name, limit in (("model.onnx", 1e-5), ("model_fp16.onnx", 1e-2)):
        assert_equal(tmp_path / "onnx" / name, network, ("pixel_values", "reconstruction"), limit)
    assert json.loads((tmp_path / "config.json").read_text())["upscale"] == 4
    export_for("transformers.js", network, tmp_path)  # again: only a model's folder is refused
    network.save_pretrained(tmp_path / "model")
    before = (tmp_path / "model" / "config.json").read_bytes()
    with pytest.raises(UserError, match="holds a model"):
        export_for("transformers.js", network, tmp_path / "model")
    assert (tmp_path / "model" / "config.json").read_bytes() == before


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder where node finds transformers.js; FASRGAN_NODE names one where it is installed already."""
    if installed := os.environ.get("FASRGAN_NODE"):
        return installed
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("needs node and npm")
    folder = str(tmp_path_factory.mktemp("node"))
    command = ["npm", "install", "--prefix", folder, "--ignore-scripts", "--no-audit", TRANSFORMERS_JS]
    outcome = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if outcome.returncode:
        pytest.skip(f"npm does not get {TRANSFORMERS_JS}: {outcome.stderr[-300:]}")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["fp32", "fp16"])
def test_the_pipeline_of_transformers_js_enlarges_an_image(
    tmp_path: Path, node_modules: str, dtype: str
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (33, 41, 3), np.uint8)
    Image.fromarray(pixels).resize((82, 66)).save(tmp_path / "small.png")
    export_for("transformers.js", LITE, tmp_path / "model")
    arguments = [node_modules, tmp_path / "model", dtype, tmp_path / "small.png", tmp_path / "large.png"]
    subprocess.run(["node", SCRIPT, *map(str, arguments)], check=True, timeout=300)
    theirs = np.asarray(Image.open(tmp_path / "large.png").convert("RGB")).astype(int)
    upscaler = Upscaler(LITE, engine="torch", precision="f32", edges="zeros")
    ours = np.asarray(upscaler(tmp_path / "small.png"))
    assert np.abs(theirs - ours).max() <= 2
