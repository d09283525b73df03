"""The seconds of ZeroGPU hardware that the page's events ask for, with a stub of `spaces` that records them."""

import functools
import inspect

import pytest
from conftest import photo
from PIL import Image

from fasrgan_hub.apps.demo.gpu_seconds import gpu_seconds
from fasrgan_hub.apps.demo.limits import Limits
from fasrgan_hub.apps.demo.processing import UpscaleResult
from fasrgan_hub.hub.model_files import bundled_models


def test_larger_images_and_networks_get_more_seconds_up_to_the_limit_of_a_job(monkeypatch):
    lite = [gpu_seconds(megapixels, "fasrgan-lite-x4") for megapixels in (0, 1, 4, 16, 32)]
    large = [gpu_seconds(megapixels, "me/model") for megapixels in (0, 1, 4, 16, 32)]
    assert lite == sorted(set(lite)) and 10 <= lite[0] <= 12 and 30 < lite[-1] <= 60
    assert all(ours < theirs for ours, theirs in zip(lite, large, strict=True))
    assert gpu_seconds(0, "bicubic") <= lite[0] and gpu_seconds(1e6, "bicubic") == 120
    monkeypatch.setenv("FASRGAN_DEMO_SECONDS", "25")
    assert gpu_seconds(32, "me/model") == 25


def test_a_name_that_stands_for_any_bundled_model_gets_the_seconds_of_the_largest():
    assert gpu_seconds(16, "auto") == max(gpu_seconds(16, name) for name in bundled_models())


@pytest.fixture
def events(monkeypatch, tmp_path):
    """The page's events that compute: name -> (its function, the durations that it asked the stub for)."""
    pytest.importorskip("gradio")
    from fasrgan_hub.apps.demo import events, page
    from fasrgan_hub.apps.demo.service import Service

    recorded = {}

    def gpu(task=None, *, duration=None, size=None):
        """`spaces.GPU` on ZeroGPU hardware: the duration is computed from the arguments of each call."""

        def decorate(work):
            durations = []

            @functools.wraps(work)
            def scheduled(*args, **kwargs):
                durations.append(duration(*args, **kwargs) if callable(duration) else duration)

            recorded[work.__name__] = scheduled, durations
            return scheduled

        return decorate if task is None else decorate(task)

    monkeypatch.setattr(events, "GPU", gpu)
    page.build(Service(Limits(), tmp_path))
    return recorded


@pytest.fixture
def images(tmp_path):
    """Image files of 0.01 and of 4 megapixels."""
    paths = [tmp_path / "small.png", tmp_path / "large.png"]
    Image.fromarray(photo(100, 100)).save(paths[0])
    Image.new("L", (2000, 2000)).save(paths[1])
    return paths


def ask(events, name, **values):
    """The seconds that an event asks for with these values; its other arguments are as a stranger may send them."""
    work, durations = events[name]
    work(*(values.get(parameter) for parameter in inspect.signature(work).parameters))
    return durations[-1]


def test_every_event_that_computes_asks_by_the_size_of_its_images(events, images):
    results = [UpscaleResult(path, path, path, {}) for path in images]
    values = {"image": images, "files": [[path] for path in images], "result": results}
    assert len(events) >= 5
    for name, (work, _) in events.items():
        argument = next(argument for argument in values if argument in inspect.signature(work).parameters)
        small, large = (
            ask(events, name, **{argument: value, "model": "bicubic"}) for value in values[argument]
        )
        assert small == 11 and large > 13, name


def test_the_seconds_are_those_of_the_table(events, images):
    small, large = images
    upscale = {"image": large, "model": "fasrgan-lite-x4", "scale": 2}
    assert ask(events, "upscale", **upscale) == gpu_seconds(64, "fasrgan-lite-x4")
    assert ask(events, "upscale", **upscale | {"model": "me/model"}) == gpu_seconds(64, "me/model")
    batch = {"files": [str(small), str(large), str(large)], "model": "bicubic"}
    assert ask(events, "upscale_all", **batch) == gpu_seconds(128.16, "bicubic")
    assert ask(events, "score_map", image=large, model="bicubic") == gpu_seconds(4, "bicubic")


def test_a_call_that_will_be_refused_asks_for_the_least(events, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not an image")
    for image in (None, broken, tmp_path / "missing.png"):
        assert ask(events, "upscale", image=image, model="bicubic") == 10
    assert ask(events, "upscale_all", files=None, model=None) <= 12
