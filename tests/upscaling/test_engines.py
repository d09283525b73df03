"""Every engine gives the same image, at every size, in every thread; low precision falls back to f32."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import F32, NETWORKS, OPENVINO, build, engine_of, image
from torch import Tensor, nn

from fasrgan_hub.models.generators import Generator
from fasrgan_hub.upscaling.engines import choice, network_cache
from fasrgan_hub.upscaling.engines.choice import Choice
from fasrgan_hub.upscaling.upscaler import Upscaler

SIZES = [(1, 1, 1), (1, 5, 33), (2, 17, 8)]


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


def test_somebody_elses_module_runs_as_it_is() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.repeat_interleave(4, -1).repeat_interleave(4, -2) if x.sum() > 0 else x

    upscaler = Upscaler(Odd())
    assert upscaler.engine_name in ("torch f32", "torch f32 on cuda", "torch f32 on mps")
    pixels = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    np.testing.assert_array_equal(upscaler(pixels), pixels.repeat(4, 0).repeat(4, 1))


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
