import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from fasrgan_hub.errors import UserError
from fasrgan_hub.models.generators import Generator
from fasrgan_hub.systems import FASRGAN, SRGAN, FsSRGAN
from fasrgan_hub.upscaling.engines import Engine, choice, convert, make_engine, network_cache
from fasrgan_hub.upscaling.engines.choice import Choice, choose
from fasrgan_hub.upscaling.engines.equalize import equalize
from fasrgan_hub.upscaling.engines.int8 import calibration_crops
from fasrgan_hub.upscaling.engines.network import Network, find_network
from fasrgan_hub.upscaling.upscaler import Upscaler

SIZES = [(1, 1, 1), (1, 5, 33), (2, 17, 8)]
NETWORKS = {
    "rrdb": lambda: FASRGAN(blocks=1, features=8, growth=4),
    "shared": lambda: FsSRGAN(blocks=1, features=8, growth=4, shared_blocks=1),
    "srresnet": lambda: SRGAN(blocks=1, features=8),
}
F32 = Choice("torch", "f32")
OPENVINO = Choice("openvino", "f32")


def build(kind: str = "rrdb") -> Generator:
    torch.manual_seed(0)
    return NETWORKS[kind]().eval()


def engine_of(model: Generator | Path, choice: Choice) -> Engine:
    return make_engine(find_network(model), choice)


def image(batch: int = 1, height: int = 12, width: int = 10) -> np.ndarray:
    return np.random.default_rng(height).random((batch, 3, height, width), np.float32)


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("engine", ["openvino", "onnx"])
def test_every_engine_gives_the_same_image_at_every_size(engine: str, kind: str) -> None:
    network = build(kind)
    exact, other = engine_of(network, F32), engine_of(network, Choice(engine, "f32"))
    for size in SIZES:
        y = other(image(*size))
        np.testing.assert_allclose(y, exact(image(*size)), rtol=0, atol=1e-5)
        assert y.dtype == np.float32


def test_what_is_no_block_of_memory_is_taken_too() -> None:
    x = image(1, 20, 24)[:, :, 3:15, 5:20]
    for engine in ("torch", "openvino", "onnx"):
        run = engine_of(build(), Choice(engine, "f32"))
        for odd in (x, x[..., ::-1]):
            np.testing.assert_allclose(run(odd), run(odd.copy()), rtol=0, atol=1e-6)


@pytest.mark.skipif(not choice.cpu_has_bf16(), reason="this CPU does not multiply bf16")
@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_bf16_is_close_to_f32_and_really_bf16(engine: str) -> None:
    network, x = build(), image(1, 30, 30)
    off = abs(engine_of(network, Choice(engine, "bf16"))(x) - engine_of(network, F32)(x)).max()
    assert 1e-6 < off < 0.02


def overflowing() -> Generator:
    """Fine in f32; the features after the first convolution are far above 65504, the largest float16."""
    network = build()
    with torch.no_grad():
        network.conv_first.weight.mul_(1e7)
        network.conv_last.weight.mul_(1e-7)
    return network


def test_a_tile_that_overflows_is_computed_again_in_f32_with_one_warning(
    recwarn: pytest.WarningsRecorder,
) -> None:
    x, network = image(), overflowing()
    exact = engine_of(network, F32)(x)
    assert np.isfinite(exact).all()
    run = engine_of(network, Choice("torch", "f16"))
    for _ in range(2):
        assert np.array_equal(run(x), exact)
    assert [str(w.message) for w in recwarn if "overflows in torch f16" in str(w.message)] != []
    assert len([w for w in recwarn if "overflows" in str(w.message)]) == 1


def test_a_network_that_does_not_overflow_stays_in_half_precision(recwarn: pytest.WarningsRecorder) -> None:
    x, network = image(), build()
    assert (engine_of(network, Choice("torch", "f16"))(x) != engine_of(network, F32)(x)).any()
    assert not [w for w in recwarn if "overflows" in str(w.message)]


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
    told = [
        subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split()
        for _ in range(2)
    ]
    assert told == [["0", "True"], ["0", str(sys.platform != "linux")]], "torch converts the network once"


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
def test_what_does_not_go_together_is_told(wanted: tuple, message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose(*wanted)


def test_a_missing_runtime_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None)
    for engine in ("openvino", "onnx"):
        with pytest.raises(UserError, match=rf"pip install 'fasrgan-hub\[{engine}\]'"):
            choose(engine)


def test_somebody_elses_module_runs_as_it_is() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.repeat_interleave(4, -1).repeat_interleave(4, -2) if x.sum() > 0 else x

    upscaler = Upscaler(Odd())
    assert upscaler.engine_name in ("torch f32", "torch f32 on cuda", "torch f32 on mps")
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    np.testing.assert_array_equal(upscaler(pixels), pixels.repeat(4, 0).repeat(4, 1))


def test_a_network_is_converted_once_and_again_when_its_weights_change(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path)
    calls = []
    real = convert.to_openvino
    monkeypatch.setattr(convert, "to_openvino", lambda model: calls.append(1) or real(model))
    network, x, folder = build(), image(), tmp_path / "model"
    network.save_pretrained(folder)
    first = engine_of(folder, OPENVINO)(x)
    assert np.array_equal(engine_of(folder, OPENVINO)(x), first) and len(calls) == 1
    with torch.no_grad():
        network.conv_last.bias.add_(1.0)
    network.save_pretrained(folder)
    np.testing.assert_allclose(engine_of(folder, OPENVINO)(x), first + 1, atol=1e-5)
    assert len(calls) == 2 and len(list((tmp_path / "engines").iterdir())) == 2


def test_modules_do_not_pile_up_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path)
    engine_of(build(), OPENVINO)(image())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_known_by_its_content(tmp_path: Path) -> None:
    network = build()
    network.save_pretrained(tmp_path / "a")
    keys = {find_network(tmp_path / "a").key, find_network(str(tmp_path / "a")).key}
    assert len(keys) == 1 and None not in keys
    with torch.no_grad():
        network.conv_last.bias.add_(1.0)
    network.save_pretrained(tmp_path / "a")
    assert find_network(tmp_path / "a").key not in keys


def test_a_cache_that_cannot_be_written_costs_only_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path / "file")
    x = image()
    for engine in ("openvino", "onnx"):
        y = engine_of(build(), Choice(engine, "f32"))(x)
        np.testing.assert_allclose(y, engine_of(build(), F32)(x), atol=1e-5)


def fill(folder: Path) -> None:
    (folder / "made").write_text("x")


def test_what_is_kept_is_whole_or_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path / "cache")
    network = Network(build, "key", named=True)

    def die(folder: Path) -> None:
        fill(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        network_cache.cached_folder(network, "name", die, tmp_path / "scratch")
    assert list((tmp_path / "cache" / "engines").iterdir()) == []
    assert [
        p.name for p in network_cache.cached_folder(network, "name", fill, tmp_path / "scratch").iterdir()
    ] == ["made"]
    assert network_cache.cached_folder(network, "name", die, tmp_path / "scratch").is_dir()


def test_what_takes_minutes_is_kept_for_a_module_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path / "cache")
    module, scratch = find_network(build()), tmp_path / "scratch"
    assert network_cache.cached_folder(module, "int8", fill, scratch, slow=True).is_relative_to(
        tmp_path / "cache"
    )
    assert network_cache.cached_folder(module, "f32", fill, scratch).is_relative_to(scratch)
    assert network_cache.cached_folder(
        replace(module, key=None), "int8", fill, scratch, slow=True
    ).is_relative_to(scratch)


def test_a_model_folder_brings_no_converted_network_along(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path / "cache")
    build().save_pretrained(tmp_path / "model")
    network = find_network(tmp_path / "model")
    made = network_cache.cached_folder(network, "int8", fill, tmp_path / "scratch", slow=True)
    planted = tmp_path / "model" / "engines" / made.name
    made.rename(planted.parent.mkdir() or planted)
    again = network_cache.cached_folder(network, "int8", fill, tmp_path / "scratch", slow=True)
    assert not again.is_relative_to(tmp_path / "model")


@pytest.mark.parametrize("engine", ["openvino", "onnx"])
def test_several_threads_may_share_an_engine(engine: str) -> None:
    run = engine_of(build(), Choice(engine, "f32"))
    inputs = [image(1, 20 + i, 20) for i in range(8)]
    expected = [run(x).copy() for x in inputs]
    results: list[np.ndarray] = [np.empty(0)] * 8

    def work(i: int) -> None:
        for _ in range(5):
            results[i] = run(inputs[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(map(np.array_equal, results, expected))


def test_a_result_is_not_overwritten_by_the_next() -> None:
    for engine in ("openvino", "onnx"):
        run = engine_of(build(), Choice(engine, "f32"))
        first = run(image(1, 9, 9))
        kept = first.copy()
        run(1 - image(1, 9, 9))
        assert np.array_equal(first, kept)


def test_nothing_is_reported_to_anybody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    telemetry = pytest.importorskip("openvino_telemetry")

    def forbidden(*args, **kwargs):
        raise AssertionError("an event would have been sent")

    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(telemetry.Telemetry, "__init__", forbidden)
    monkeypatch.setattr(telemetry.Telemetry, "send_event", forbidden)
    engine_of(build(), OPENVINO)(image())


def test_the_calibration_images_are_photographs() -> None:
    crops = calibration_crops()
    assert len(crops) == 24 and {crop.shape for crop in crops} == {(1, 3, 96, 96)}
    assert all(crop.min() >= 0 and crop.max() <= 1 and crop.std() > 0.02 for crop in crops)


def test_equalising_brings_the_features_of_a_block_together_and_changes_no_result() -> None:
    def ranges(network: Generator) -> Tensor:
        """Of the channels that the last convolution of the first dense block reads."""
        seen = []
        conv = network.body[0].rdb1.conv5
        hook = conv.register_forward_pre_hook(lambda _, x: seen.append(x[0].abs().amax(dim=(0, 2, 3))))
        with torch.inference_mode():
            network(torch.from_numpy(x))
        hook.remove()
        return seen[0]

    network, x = build(), image(1, 24, 24)
    with torch.no_grad():
        for conv, factor in ((network.body[0].rdb1.conv1, 20.0), (network.body[0].rdb1.conv3, 0.05)):
            conv.weight.mul_(factor)
            conv.bias.mul_(factor)
    before, exact = ranges(network), engine_of(network, F32)(x)
    after = ranges(equalize(network, [x]))
    assert after.max() / after.min() < 0.3 * before.max() / before.min()
    np.testing.assert_allclose(engine_of(network, F32)(x), exact, rtol=0, atol=1e-5)
    plain = build("srresnet")
    assert equalize(plain, [x]) is plain


@pytest.mark.slow
def test_int8_is_made_once_kept_in_the_cache_and_close_to_f32(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("nncf")
    monkeypatch.setattr(network_cache, "cache_folder", lambda: tmp_path / "cache")
    network, x = build(), calibration_crops()[8]
    network.save_pretrained(tmp_path / "model")
    int8 = Choice("openvino", "int8")
    y = engine_of(tmp_path / "model", int8)(x)
    assert 1e-5 < abs(y - engine_of(network, F32)(x)).mean() < 0.02
    kept = list((tmp_path / "cache").glob("engines/*int8*/model.bin"))
    assert len(kept) == 1
    written = kept[0].stat().st_mtime_ns
    assert np.array_equal(engine_of(tmp_path / "model", int8)(x), y) and kept[0].stat().st_mtime_ns == written
    assert kept[0].stat().st_size < (tmp_path / "model" / "model.safetensors").stat().st_size / 2


DROPPED_ELSEWHERE = """
import gc, os, signal, threading
from fasrgan_hub import Upscaler

upscalers = [Upscaler("fasrgan-lite-x4", engine="openvino")]

def drop():
    upscalers.clear()
    gc.collect()

thread = threading.Thread(target=drop)
thread.start()
thread.join()
signal.signal(signal.SIGUSR1, lambda number, frame: print("alive"))
os.kill(os.getpid(), signal.SIGUSR1)
"""


def test_signals_are_safe_after_another_thread_has_dropped_an_engine():
    pytest.importorskip("openvino", reason="needs the extra [openvino]")
    result = subprocess.run([sys.executable, "-c", DROPPED_ELSEWHERE], capture_output=True, text=True)
    assert result.returncode == 0 and "alive" in result.stdout
