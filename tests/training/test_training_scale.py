"""Networks of every scale: trained, resumed, validated, exported, used and scored at their own scale."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from accelerate import Accelerator
from conftest import photo
from PIL import Image
from small import config, flat, fresh_accelerate, tiny_features  # noqa: F401

import fasrgan_hub
from fasrgan_hub import Upscaler
from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation import evaluate
from fasrgan_hub.images.bicubic import downscale
from fasrgan_hub.interop.export import export
from fasrgan_hub.models.generators import SCALES
from fasrgan_hub.training.checkpoints import load_latest
from fasrgan_hub.training.command_line import load_config
from fasrgan_hub.training.config_groups import BenchmarkFolders
from fasrgan_hub.training.loop import make_loader, train
from fasrgan_hub.training.nested import override
from fasrgan_hub.training.starting import initial_generator

CROPS = {1: 32, 2: 32, 3: 36, 4: 32}


def scaled(photos, output, scale, system="fasrgan-lite", stage="gan", **more):
    """A tiny run at a scale."""
    more = {"generator": {"scale": scale}, "data": {"crop": CROPS[scale]}} | more
    return config(photos, output, system, stage, **more)


@pytest.mark.usefixtures("tiny_features")
@pytest.mark.parametrize(
    "scale", [scale if scale in (2, 4) else pytest.param(scale, marks=pytest.mark.slow) for scale in SCALES]
)
def test_a_network_of_every_scale_from_training_to_scores(photos, tmp_path, scale):
    validation = {"benchmarks": {"Six": BenchmarkFolders(str(photos))}, "every": 2}
    data = {"crop": CROPS[scale], "degradation": "clean=0.5,web=0.5"}
    train(scaled(photos, tmp_path / "whole", scale, data=data, validation=validation))
    model = train(scaled(photos, tmp_path / "parts", scale, data=data, steps=2))
    train(override(load_config(tmp_path / "parts"), {"steps": 4}), resume=True)
    whole, parts = (
        dict(flat(load_latest(tmp_path / run / "checkpoints")["stage"])) for run in ("whole", "parts")
    )
    for key, value in whole.items():
        assert torch.equal(value, parts[key]) if isinstance(value, torch.Tensor) else value == parts[key], key

    pixels = photo(70, 45)
    whole_image = Upscaler(model, engine="torch", precision="f32", tile=0)(pixels)
    tiled = Upscaler(model, engine="torch", precision="f32", tile=16)(pixels)
    assert whole_image.shape == (70 * scale, 45 * scale, 3)
    assert np.abs(whole_image.astype(int) - tiled).max() <= 1

    entries = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").open()]
    scores = [entry["scores"]["Six psnr"] for entry in entries if "scores" in entry]
    assert evaluate(str(tmp_path / "whole" / "model"), hr=photos, metrics="psnr").means["psnr"] == scores[-1]
    with Image.open(tmp_path / "whole" / "samples" / "step-00000004.png") as strip:
        assert strip.width == 4 * 64 * scale
    card = (model / "README.md").read_text()
    assert f"# fasrgan-lite-x{scale}\n" in card and f"photo_x{scale}.png" in card

    export(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    x = torch.rand(1, 3, 9, 14)
    (enlarged,) = session.run(None, {"image": x.numpy()})
    np.testing.assert_allclose(enlarged, fasrgan_hub.from_pretrained(model)(x).detach(), atol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
def test_pairs_are_of_the_generators_scale(photos, tmp_path, scale):
    batch = next(iter(make_loader(scaled(photos, tmp_path, scale), Accelerator(cpu=True))))
    side = CROPS[scale]
    assert batch["hr"].shape == (4, 3, side, side)
    assert batch["lr"].shape == (4, 3, side // scale, side // scale)
    inner = slice(2, -2)  # the border saw pixels beyond the crop
    across, down = (
        downscale(batch["hr"], scale),
        downscale(batch["hr"].mT, scale).mT,
    )  # it may have been transposed
    difference = torch.minimum((batch["lr"] - across).abs(), (batch["lr"] - down).abs())
    assert difference[..., inner, inner].max() < 1e-6


def test_lr_images_of_another_scale_are_skipped_with_the_reason(tmp_path):
    for folder, side in {"hr": 64, "lr": 16}.items():
        (tmp_path / folder).mkdir()
        Image.fromarray(photo(side, side)).save(tmp_path / folder / "a.png")
    source = {"source": f"pairs:{tmp_path / 'lr'},{tmp_path / 'hr'}"}
    chosen = config(None, tmp_path / "run", stage="psnr", generator={"scale": 2}, data=source)
    with pytest.raises(UserError, match="64x64 is not 2 times 16x16, its LR image"):
        next(iter(make_loader(chosen, Accelerator(cpu=True))))
    benchmark = {"benchmarks": {"One": BenchmarkFolders(str(tmp_path / "hr"), str(tmp_path / "lr"))}}
    with pytest.raises(UserError, match=r"validation on One: .*the model's scale times its LR image"):
        train(override(chosen, {"validation": benchmark}))


def test_what_cannot_be_trained_is_one_line(photos, tmp_path):
    for change, message in {
        5: "generator.scale is 5; it must be one of 1, 2, 3, 4",
        "two": "generator.scale is two; it must be one of",
        3: "data.crop is 32; it must be a multiple of 3 and at least 16, such as 30",
    }.items():
        with pytest.raises(UserError, match=message):
            config(photos, tmp_path, generator={"scale": change})


@pytest.mark.parametrize("scale", [2, 1])
def test_a_smaller_scale_begins_as_the_x4_network_on_the_shrunk_image(tmp_path, scale):
    start = fasrgan_hub.SYSTEMS["fasrgan-lite"].build_generator(blocks=1, features=8, growth=4)
    start.save_pretrained(tmp_path / "x4")
    lines = []
    network = initial_generator(
        scaled("", tmp_path, scale, start={"init": str(tmp_path / "x4")}), lines.append
    )
    x = torch.rand(1, 3, 16, 24)
    with torch.no_grad():
        small = torch.nn.functional.avg_pool2d(x, 4 // scale)
        torch.testing.assert_close(network.eval()(x), start.eval()(small), atol=1e-5, rtol=0)
    side = 4 // scale
    assert lines == [
        f"'{tmp_path / 'x4'}' enlarges by 4, this network by {scale}: "
        f"conv_first takes {side} x {side} pixels instead of 1 x 1"
    ]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (4, 3, "conv_up2 is left out"),
        (3, 4, "conv_up2 begins with random weights"),
        (2, 4, "conv_first takes 1 x 1 pixels instead of 2 x 2"),
        (1, 2, "conv_first takes 2 x 2 pixels instead of 4 x 4"),
        (2, 1, "conv_first takes 4 x 4 pixels instead of 2 x 2"),
        (1, 3, "conv_first takes 1 x 1 pixels instead of 4 x 4, conv_up2 is left out"),
    ],
)
def test_every_scale_may_start_from_another(tmp_path, before, after, changes):
    system = fasrgan_hub.SYSTEMS["esrgan-lite"]
    start = system.build_generator(blocks=1, features=8, growth=4, scale=before)
    start.save_pretrained(tmp_path / "start")
    lines = []
    settings = scaled("", tmp_path, after, "esrgan-lite", start={"init": str(tmp_path / "start")})
    network = initial_generator(settings, lines.append)
    assert lines[0].endswith(f"by {after}: {changes}")
    kept, weights = start.state_dict(), network.state_dict()
    same = set(kept) & set(weights) - {"conv_first.weight"}
    assert all(torch.equal(kept[key], weights[key]) for key in same)
    assert torch.isclose(kept["conv_first.weight"].sum(), weights["conv_first.weight"].sum(), atol=1e-5)


def test_pixel_shuffles_of_other_factors_begin_with_random_weights(tmp_path):
    start = fasrgan_hub.SYSTEMS["srgan-lite"].build_generator(blocks=1, features=8)
    start.save_pretrained(tmp_path / "start")
    lines = []
    settings = scaled("", tmp_path, 3, "srgan-lite", start={"init": str(tmp_path / "start")})
    network = initial_generator(settings, lines.append)
    assert lines[0].endswith("conv_up1 begins with random weights, conv_up2 is left out")
    assert torch.equal(network.body[0].conv1.weight, start.body[0].conv1.weight)


def test_the_mean_of_regrouped_pixels_is_of_those_that_belong_together():
    """From x1 to x2: the sum over each 2 x 2 of the 4 x 4 pixels, in the order of the pixel unshuffle."""
    from fasrgan_hub.training.starting import _regrouped

    weight = torch.rand(5, 3 * 16, 3, 3, dtype=torch.float64)
    image = torch.rand(1, 3, 8, 8, dtype=torch.float64)
    fine = torch.nn.functional.interpolate(image, scale_factor=2, mode="nearest")
    expected = torch.nn.functional.conv2d(torch.nn.functional.pixel_unshuffle(fine, 4), weight)
    result = torch.nn.functional.conv2d(
        torch.nn.functional.pixel_unshuffle(image, 2), _regrouped(weight, 4, 2)
    )
    torch.testing.assert_close(result, expected)
