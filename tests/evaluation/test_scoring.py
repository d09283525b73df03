import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import fasrgan_hub
from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation import scoring
from fasrgan_hub.evaluation.image_pairs import make_lr
from fasrgan_hub.images.bicubic import downscale
from fasrgan_hub.metrics import psnr, rmse, ssim
from fasrgan_hub.models.generators import RRDBNet

evaluate = partial(scoring.evaluate, metrics="psnr,ssim,rmse")  # those that need no weights


def image(seed: int, height: int = 64, width: int = 56, channels: int = 3) -> np.ndarray:
    """Waves, so that shrinking leaves something to score."""
    rows, columns = np.mgrid[:height, :width] / 9
    waves = [np.sin(rows * (k + 1) / 2 + seed) + np.cos(columns + k * seed) for k in range(channels)]
    return np.rint(127.5 + 63 * np.stack(waves, axis=2)).astype(np.uint8)


def write(folder: Path, **images: np.ndarray) -> Path:
    folder.mkdir(exist_ok=True)
    for name, pixels in images.items():
        Image.fromarray(pixels.squeeze()).save(folder / f"{name}.png")
    return folder


class Repeat(nn.Module):
    """Nearest-neighbor enlargement, a model whose result is known."""

    def forward(self, x):
        return x.repeat_interleave(4, dim=2).repeat_interleave(4, dim=3)


@pytest.fixture
def hr(tmp_path):
    return write(tmp_path / "hr", a=image(1), b=image(2, 72, 48))


def test_finished_images_get_the_metrics_own_numbers(tmp_path, hr):
    results = {"a": image(3), "b": image(4, 72, 48)}
    report = evaluate(hr=hr, sr=write(tmp_path / "sr", **results))
    assert list(report.images) == ["a", "b"]
    for name, original in [("a", image(1)), ("b", image(2, 72, 48))]:
        assert report.images[name] == {
            "psnr": psnr(results[name], original),
            "ssim": ssim(results[name], original),
            "rmse": rmse(results[name], original),
        }


def test_a_model_sees_our_bicubic_of_the_cropped_original(tmp_path):
    original = image(1, 67, 59)
    hr = write(tmp_path / "hr", a=original)
    report = evaluate(Repeat(), hr=hr, metrics=["psnr"])
    low = downscale(torch.from_numpy(original[:64, :56] / 255).permute(2, 0, 1))
    low = (low * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
    enlarged = low.repeat(4, axis=0).repeat(4, axis=1)
    assert report.images["a"]["psnr"] == psnr(enlarged, original[:64, :56])


def test_given_lr_images_are_what_the_model_sees(tmp_path, hr):
    own = evaluate(Repeat(), hr=hr)
    lr = write(tmp_path / "lr", ax4=make_lr(image(1)), bx4=make_lr(image(2, 72, 48)))
    assert evaluate(Repeat(), hr=hr, lr=lr).images == own.images
    write(lr, ax4=make_lr(image(5)))
    assert evaluate(Repeat(), hr=hr, lr=lr).images["a"]["psnr"] < own.images["a"]["psnr"]


def test_every_kind_of_model_is_taken(tmp_path, hr):
    def function(low: np.ndarray) -> np.ndarray:
        return low.repeat(4, axis=0).repeat(4, axis=1)

    assert evaluate(function, hr=hr).images == evaluate(Repeat(), hr=hr).images
    bicubic = evaluate("bicubic", hr=hr).means
    assert bicubic["psnr"] > evaluate(Repeat(), hr=hr).means["psnr"]
    network = RRDBNet(blocks=1, features=8, growth=4)
    evaluate(network, hr=hr)
    assert network.training  # the caller's module is left as it was


def test_the_original_is_cropped_to_the_size_of_the_result(tmp_path):
    original, result = image(1, 64, 60), image(1, 64, 56)
    hr, sr = write(tmp_path / "hr", a=original), write(tmp_path / "sr", a=result)
    assert evaluate(hr=hr, sr=sr).images["a"]["rmse"] == rmse(result, original[:, :56])


def test_options_reach_the_metrics(tmp_path, hr):
    sr = write(tmp_path / "sr", a=image(3), b=image(4, 72, 48))
    report = evaluate(hr=hr, sr=sr, metrics="ssim, PSNR", border=2, luma=False)
    assert report.images["a"] == {
        "ssim": ssim(image(3), image(1), border=2, luma=False),
        "psnr": psnr(image(3), image(1), border=2, luma=False),
    }


def test_gray_and_alpha_are_scored_as_rgb(tmp_path):
    gray, color = image(1, channels=1), image(2)
    hr = write(tmp_path / "hr", gray=gray, color=np.dstack([color, image(3, channels=1)]))
    sr = write(tmp_path / "sr", gray=np.dstack([gray] * 3), color=color)
    assert evaluate(hr=hr, sr=sr, metrics="rmse").means == {"rmse": 0}
    assert evaluate(Repeat(), hr=hr, metrics="psnr").means["psnr"] > 10


def test_lpips_is_there(tmp_path, hr):
    try:
        means = evaluate("bicubic", hr=hr, metrics="lpips,lpips-0.1").means
    except UserError as error:
        pytest.skip(f"the weights of LPIPS cannot be had here: {error}")
    assert 0 < means["lpips"] < means["lpips-0.1"] < 1


def test_mistakes_are_one_line(tmp_path, hr):
    sr = write(tmp_path / "sr", a=image(1), b=image(2, 72, 48))
    small = write(tmp_path / "small", a=image(1, 32, 28), b=image(2, 72, 48))
    broken = write(tmp_path / "broken", a=image(1))
    (broken / "b.png").write_bytes(b"no image")
    tiny = write(tmp_path / "tiny", a=image(1, 3, 9))
    (floats := tmp_path / "floats").mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.full((64, 56), np.nan, np.float32)).save(floats / f"{name}.tiff")
    for words, arguments in [
        ("either", {"hr": hr}),
        ("either", {"model": "bicubic", "hr": hr, "sr": sr}),
        ("lr", {"hr": hr, "sr": sr, "lr": sr}),
        ("no metric 'fid'", {"model": "bicubic", "hr": hr, "metrics": "psnr,fid"}),
        ("at least one", {"model": "bicubic", "hr": hr, "metrics": []}),
        ("absent", {"model": "bicubic", "hr": tmp_path / "absent"}),
        (r"a\.png: the result has 28x32 pixels and the original 56x64", {"hr": hr, "sr": small}),
        (r"a\.tiff' has floating-point pixels", {"hr": hr, "sr": floats}),
        (r"a\.tiff' has floating-point pixels", {"model": "bicubic", "hr": floats}),
        ("there are no images in", {"hr": hr, "sr": tmp_path}),
        ("not an image", {"hr": hr, "sr": broken}),
        (r"a\.png: .* too small", {"model": "bicubic", "hr": tiny}),
        (r"a\.png: NIQE needs", {"hr": hr, "sr": sr, "metrics": "niqe"}),
    ]:
        with pytest.raises(UserError, match=words) as caught:
            evaluate(**arguments)
        assert "\n" not in str(caught.value)


def test_it_is_a_public_name():
    assert fasrgan_hub.evaluate is scoring.evaluate


BENCHMARKS = os.environ.get("FASRGAN_BENCHMARKS")


@pytest.mark.slow
@pytest.mark.skipif(
    not BENCHMARKS, reason="FASRGAN_BENCHMARKS does not name the folder of Set5, Set14, authors-Set5"
)
@pytest.mark.parametrize(
    ("model", "folders", "expected"),
    [
        ("bicubic", {"hr": "Set5/HR"}, (28.43, 0.811, 0.179)),
        ("bicubic", {"hr": "Set5/HR", "lr": "Set5/LR_x4"}, (28.43, 0.811, 0.179)),
        ("bicubic", {"hr": "Set14/HR"}, (26.09, 0.705, 0.225)),
        ("bicubic", {"hr": "Set14/HR", "lr": "Set14/LR_x4"}, (26.09, 0.705, 0.225)),
        (None, {"hr": "authors-Set5/HR", "sr": "authors-Set5/FASRGAN"}, (30.15, 0.8450, 0.0325)),
    ],
)
def test_the_papers_numbers(model, folders, expected):
    paths = {kind: Path(str(BENCHMARKS)) / folder for kind, folder in folders.items()}
    means = scoring.evaluate(model, **paths).means
    digits = (2, 3, 3) if model else (2, 4, 4)
    assert tuple(round(means[m], d) for m, d in zip(means, digits, strict=True)) == expected
