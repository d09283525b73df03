"""A network is converted once; what the cache holds is complete and belongs to these weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_networks import F32, OPENVINO, build, engine_of, image

from fasrgan_hub.upscaling.engines import convert, network_cache
from fasrgan_hub.upscaling.engines.choice import Choice
from fasrgan_hub.upscaling.engines.network import Network, find_network


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
