import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision_shim  # noqa: F401 - before spandrel
from conftest import photo
from example_images import noisy, photograph, sprites
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation import scoring
from fasrgan_hub.evaluation.image_pairs import crop_to_common_size
from fasrgan_hub.evaluation.methods import open_method
from fasrgan_hub.hub.model_files import DEFAULT_MODEL
from fasrgan_hub.systems import ESRGAN
from fasrgan_hub.upscaling.model_choice import choices

evaluate = partial(scoring.evaluate, metrics="psnr,ssim,rmse")  # those that need no weights


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> tuple[ESRGAN, Path]:
    torch.manual_seed(0)
    model = ESRGAN(blocks=1, features=16, growth=32).eval()
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model.save_pretrained(folder)
    return model, folder


@pytest.fixture
def hr(tmp_path) -> Path:
    folder = tmp_path / "hr"
    folder.mkdir()
    for name, size in {"a": (48, 56), "b": (64, 40), "c": (44, 44)}.items():
        Image.fromarray(photo(*size, len(name))).save(folder / f"{name}.png")
    return folder


def test_names_and_what_they_name(network, hr):
    _, folder = network
    for spec, name in [
        ("bicubic", "bicubic"),
        ("fasrgan-lite-x4", "fasrgan-lite-x4"),
        (str(folder), "tiny"),
        (f"Mine={folder}", "Mine"),
        (f"RankSRGAN={hr}", "RankSRGAN"),
        (nn.Identity(), "Identity"),
    ]:
        assert open_method(spec).name == name
    assert open_method(str(folder)).key and not open_method(nn.Identity()).key
    assert open_method(str(hr)).folder == hr


def test_the_key_follows_the_weights(network, tmp_path):
    model, folder = network
    copy = tmp_path / "copy"
    model.save_pretrained(copy)
    assert open_method(str(copy)).key == open_method(str(folder)).key
    with torch.no_grad():
        model.conv_last.bias += 0.1
        model.save_pretrained(copy)
        model.conv_last.bias -= 0.1
    assert open_method(str(copy)).key != open_method(str(folder)).key


def test_auto_enlarges_each_image_by_the_model_that_suits_it():
    auto = open_method("auto").upscale_by(4)
    clean, art = photograph("coffee")[:48, :48], sprites(count=3)
    assert np.array_equal(auto(clean), open_method(choices()[1]).upscale_by(4)(clean))
    assert np.array_equal(auto(art), art.repeat(4, axis=0).repeat(4, axis=1))
    damaged = noisy(clean, 20)
    assert np.array_equal(auto(damaged), open_method(DEFAULT_MODEL).upscale_by(4)(damaged))


def test_a_folder_of_finished_images_may_have_a_folder_for_each_set(tmp_path, hr):
    (tmp_path / "results" / "Set-5").mkdir(parents=True)
    (tmp_path / "results" / "Set-5" / "a_GAN.png").write_bytes((hr / "a.png").read_bytes())
    who = open_method(tmp_path / "results")
    assert who.folder_for("Set5") == tmp_path / "results" / "Set-5"
    assert who.folder_for("Set14") == tmp_path / "results"
    assert open_method("bicubic").folder_for("Set5") is None


@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_files_of_other_programs_score_as_the_same_network_here(network, hr, tmp_path, ending):
    model, folder = network
    file = tmp_path / f"other{ending}"
    if ending == ".pth":
        torch.save({"params_ema": model.state_dict()}, file)
    else:
        save_file(model.state_dict(), file)
    theirs = evaluate(file, hr=hr, metrics="psnr,ssim").images
    ours = evaluate(folder, hr=hr, metrics="psnr,ssim").images
    for name in ours:
        assert theirs[name] == pytest.approx(ours[name], abs=2e-3)


@pytest.mark.parametrize("foreign", [False, True])
def test_a_device_that_does_not_exist_is_one_line(network, hr, tmp_path, foreign):
    model, folder = network
    save_file(model.state_dict(), tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="device 'tpu9' cannot be used"):
        evaluate(tmp_path / "other.safetensors" if foreign else folder, hr=hr, device="tpu9")


def test_what_is_no_method_is_one_line(tmp_path, hr):
    class Harmful:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    torch.save({"params": Harmful()}, tmp_path / "harmful.pth")
    save_file({"nonsense.weight": torch.zeros(2)}, tmp_path / "nonsense.safetensors")
    (tmp_path / "notes.txt").touch()
    for spec, words in [
        ("fasrgan-unheard-of", "no model"),
        (tmp_path / "notes.txt", "neither a model nor"),
        (tmp_path / "harmful.pth", "more than tensors"),
        (tmp_path / "nonsense.safetensors", "architecture"),
    ]:
        with pytest.raises(UserError, match=words) as caught:
            evaluate(spec, hr=hr)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "harm").exists()


def test_without_spandrel_it_is_said(tmp_path, hr, monkeypatch):
    save_file({"conv.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(UserError, match=r"needs spandrel: .*fasrgan-hub\[spandrel\]"):
        evaluate(tmp_path / "other.safetensors", hr=hr)


def test_a_second_run_computes_only_what_is_missing(network, hr, tmp_path, monkeypatch):
    _, folder = network
    calls = []
    measure = scoring.Meter.__call__
    monkeypatch.setattr(
        scoring.Meter, "__call__", lambda self, *pair: calls.append(self.names) or measure(self, *pair)
    )

    def run(**changes):
        calls.clear()
        options = {"model": folder, "hr": hr, "metrics": "psnr,ssim", "cache": tmp_path / "cache"} | changes
        report = evaluate(**options)
        return report, len(calls)

    first, count = run()
    assert count == 3
    assert run() == (first, 0)
    assert run(metrics="ssim") == (type(first)({n: {"ssim": s["ssim"]} for n, s in first.images.items()}), 0)
    more, count = run(metrics="psnr,ssim,rmse")
    assert count == 3 and set(map(tuple, calls)) == {("rmse",)}
    assert more.images["a"].keys() == {"psnr", "ssim", "rmse"}
    assert run(border=2)[1] == run(luma=False)[1] == run(model="bicubic")[1] == 3
    assert run(border=2)[1] == 0

    Image.fromarray(photo(48, 56, 9)).save(hr / "a.png")  # other content under the same name
    changed, count = run()
    assert (
        count == 3 and changed.images["a"] != first.images["a"] and changed.images["b"] == first.images["b"]
    )
    assert run(cache=None)[1] == run(cache=None)[1] == 3


def test_finished_images_are_cached_by_their_content(hr, tmp_path):
    sr = tmp_path / "sr"
    sr.mkdir()
    for path in hr.iterdir():
        pixels = np.asarray(Image.open(path))
        Image.fromarray(255 - pixels).save(sr / path.name)
    cache = tmp_path / "cache"
    first = evaluate(hr=hr, sr=sr, cache=cache)
    assert evaluate(hr=hr, sr=sr, cache=cache) == first
    Image.open(hr / "a.png").save(sr / "a.png")
    assert evaluate(hr=hr, sr=sr, cache=cache).images["a"]["rmse"] == 0
    (damaged,) = list(cache.glob("*.json"))[:1]
    damaged.write_text("{")
    assert evaluate(hr=hr, sr=sr, cache=cache).images["a"]["rmse"] == 0


def test_images_side_by_side_score_as_one_by_one(hr, tmp_path):
    sr = tmp_path / "sr"
    sr.mkdir()
    for path in hr.iterdir():
        Image.fromarray(255 - np.asarray(Image.open(path))).save(sr / path.name)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = evaluate(hr=hr, sr=sr)
        torch.set_num_threads(2)
        assert evaluate(hr=hr, sr=sr) == alone and torch.get_num_threads() == 2
        Image.fromarray(photo(9, 9)).save(sr / "b.png")
        with pytest.raises(UserError, match=r"b\.png"):
            evaluate(hr=hr, sr=sr)
    finally:
        torch.set_num_threads(before)


@pytest.mark.slow
def test_two_processes_score_as_one(network, hr):
    _, folder = network
    alone = evaluate(folder, hr=hr, metrics="psnr,ssim,rmse")
    assert evaluate(folder, hr=hr, metrics="psnr,ssim,rmse", processes=2) == alone
    Image.fromarray(photo(9, 9)).save(hr / "b.png")
    with pytest.raises(UserError, match=r"b\.png: .* too small"):
        evaluate(folder, hr=hr, metrics="ssim", processes=2)


LAUNCHED = """
import os, sys
from pathlib import Path
from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation import evaluate
model, hr, results = sys.argv[1:]
try:
    text = evaluate(model, hr=hr, metrics="psnr,ssim").table()
except UserError as error:
    text = str(error)
Path(results, os.environ["RANK"]).write_text(text)
"""


@pytest.mark.slow
def test_the_processes_of_a_launch_share_the_work_and_get_all_of_it(network, hr, tmp_path):
    _, folder = network
    (tmp_path / "script.py").write_text(LAUNCHED)
    (tmp_path / "results").mkdir()

    def launch() -> list[str]:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
        command += [str(tmp_path / "script.py"), str(folder), str(hr), str(tmp_path / "results")]
        subprocess.run(command, env=os.environ | {"ACCELERATE_USE_CPU": "true"}, check=True)
        return [(tmp_path / "results" / rank).read_text() for rank in "01"]

    assert launch() == [evaluate(folder, hr=hr, metrics="psnr,ssim").table()] * 2
    Image.fromarray(photo(9, 9)).save(hr / "b.png")
    assert all("b.png" in message and "too small" in message for message in launch())


def test_processes_that_cannot_be(network, hr):
    with pytest.raises(UserError, match="it must be 1 or more"):
        evaluate("bicubic", hr=hr, processes=0)
    with pytest.raises(UserError, match="in one process"):
        evaluate(lambda image: image.repeat(4, 0).repeat(4, 1), hr=hr, processes=2)


@pytest.mark.parametrize("top", [0, 4])
def test_results_without_border_are_laid_where_they_belong(top):
    whole = photo(64, 72)
    part = whole[top : top + 56, top : top + 64]
    result, truth = crop_to_common_size(part, whole)
    assert np.array_equal(result, part) and np.array_equal(truth, part)
