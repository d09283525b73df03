"""Mixed weights: the corners are the models, what lies between is continuous, and siblings are found or explained."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.errors import UserError
from fasrgan_hub.hub.model_files import bundled_models, model_files
from fasrgan_hub.models.generators import RRDBNet
from fasrgan_hub.systems import ESRGAN, FASRGAN, from_pretrained
from fasrgan_hub.upscaling.network_interpolation import Model, between, blend
from fasrgan_hub.upscaling.siblings import sibling, sibling_name
from fasrgan_hub.upscaling.upscaler import Upscaler

SMALL = {"blocks": 1, "features": 8, "growth": 4}
CORNERS = {
    (0, 0): "my-bicubic-x4",
    (0, 1): "my-x4",
    (1, 0): "my-bicubic-psnr-x4",
    (1, 1): "my-psnr-x4",
}
"""(fidelity, denoise) -> name."""


def weights(model: Model) -> torch.Tensor:
    network = model if isinstance(model, nn.Module) else from_pretrained(model)
    return torch.cat([value.flatten() for value in network.state_dict().values()])


@pytest.fixture(scope="module")
def four(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("four")
    torch.manual_seed(1)
    for name in CORNERS.values():
        FASRGAN(**SMALL).save_pretrained(folder / name)
    return folder


def test_the_ends_are_the_two_models_and_the_middle_lies_between() -> None:
    real, faithful = RRDBNet(**SMALL), RRDBNet(**SMALL)
    before = weights(real).clone()
    assert torch.equal(weights(between(real, faithful, 0.0)), weights(real))
    assert torch.equal(weights(between(real, faithful, 1.0)), weights(faithful))
    quarter = between(real, faithful, 0.25)
    torch.testing.assert_close(weights(quarter), 0.75 * weights(real) + 0.25 * weights(faithful))
    assert not quarter.training and torch.equal(weights(real), before)


@pytest.mark.parametrize("corner", CORNERS)
def test_every_corner_is_that_model_bit_for_bit(four, corner) -> None:
    fidelity, denoise = corner
    assert torch.equal(
        weights(blend(model_files(four / "my-x4"), fidelity, denoise)), weights(four / CORNERS[corner])
    )
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    settings = {"engine": "torch", "precision": "f32"}
    mixed = Upscaler(four / "my-x4", fidelity=fidelity, denoise=denoise, **settings)
    assert np.array_equal(mixed(pixels), Upscaler(four / CORNERS[corner], **settings)(pixels))


@pytest.mark.parametrize("where", [(0.25, 0.5), (0, 0.3), (1, 0.3), (0.6, 0), (0.6, 1)])
def test_what_lies_between_is_the_mean_of_the_corners(four, where) -> None:
    fidelity, denoise = where
    expected = sum(
        abs(1 - f - fidelity) * abs(1 - d - denoise) * weights(four / name).double()
        for (f, d), name in CORNERS.items()
    )
    mixed = weights(blend(model_files(four / "my-x4"), fidelity, denoise))
    torch.testing.assert_close(mixed.double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("axis", ["fidelity", "denoise"])
def test_the_path_has_no_jumps(four, axis) -> None:
    pixels = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)

    def at(value: float) -> np.ndarray:
        upscaler = Upscaler(four / "my-x4", engine="torch", precision="f32", **{axis: value})
        return upscaler(pixels).astype(float)

    results = [at(value) for value in (0, 0.001, 0.5, 0.501, 0.999, 1)]
    whole = np.abs(results[-1] - results[0]).max()
    for first, second in ((0, 1), (2, 3), (4, 5)):
        assert np.abs(results[first] - results[second]).max() < 0.02 * whole


@pytest.mark.parametrize(
    ("name", "axis", "expected"),
    [
        ("my-x4", "fidelity", "my-psnr-x4"),
        ("my-x4", "denoise", "my-bicubic-x4"),
        ("my-bicubic-x4", "fidelity", "my-bicubic-psnr-x4"),
        ("my-psnr-x4", "denoise", "my-bicubic-psnr-x4"),
        ("my-bicubic-x4", "denoise", None),
        ("my-bicubic-psnr-x4", "fidelity", None),
    ],
)
def test_the_name_of_the_sibling(four, name: str, axis: str, expected: str | None) -> None:
    found = sibling_name(model_files(four / name), axis)
    assert found == (expected and str(four / expected))


def edit_config(model: Path, **changes: object) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | changes))


def named(folder: Path, name: str, siblings: dict) -> Path:
    """A model whose config.json names its siblings."""
    FASRGAN(**SMALL).save_pretrained(folder / name)
    edit_config(folder / name, siblings=siblings)
    return folder / name


def test_a_model_may_name_its_siblings(tmp_path) -> None:
    model = named(tmp_path, "one", {"fidelity": "two", "denoise": "org/three"})
    FASRGAN(**SMALL).save_pretrained(tmp_path / "two")
    files = model_files(model)
    assert sibling_name(files, "denoise") == "org/three"
    assert torch.equal(weights(blend(files, 1.0)), weights(tmp_path / "two"))
    assert (
        weights(files).shape == weights(tmp_path / "two").shape
    )  # such a config.json is still read strictly


def test_a_folder_without_a_name_in_its_path_has_its_siblings(tmp_path, monkeypatch) -> None:
    model = named(tmp_path, "one", {"fidelity": "two"})
    monkeypatch.chdir(model)
    for path in (".", "../one/.", ".."):
        files = replace(model_files(model), name=path)
        beside = tmp_path if path != ".." else tmp_path.parent
        assert Path(sibling_name(files, "fidelity")).resolve() == beside / "two"


@pytest.mark.parametrize("axis", ["fidelity", "denoise"])
@pytest.mark.parametrize("name", ["my-bicubic-psnr-x4", "bicubic", "module"])
def test_who_names_no_sibling(four, axis, name: str) -> None:
    model = RRDBNet(**SMALL) if name == "module" else name if name == "bicubic" else model_files(four / name)
    with pytest.raises(UserError, match=f"names no .*{'--faithful' if axis == 'fidelity' else '--denoise'}"):
        blend(model, **{axis: 0.5})


@pytest.mark.parametrize("siblings", [{"fidelity": 3}, ["fidelity"], {}])
def test_siblings_of_the_wrong_kind_are_none(tmp_path, siblings) -> None:
    with pytest.raises(UserError, match="names no faithful sibling"):
        sibling(model_files(named(tmp_path, "one", siblings)), "fidelity")


@pytest.mark.parametrize("axis", ["fidelity", "denoise"])
def test_a_sibling_that_is_not_there(tmp_path, capsys, axis) -> None:
    FASRGAN(**SMALL).save_pretrained(tmp_path / "my-x4")
    image = tmp_path / "a.png"
    image.write_bytes(b"")
    assert main(["upscale", str(image), "--model", str(tmp_path / "my-x4"), f"--{axis}", "0.5"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert re.search(rf"my-x4' has no sibling for {axis}: there is no model '.*my-(psnr|bicubic)-x4'", line)


@pytest.mark.parametrize("model", ["fasrgan-lite-x4", "fasrgan-medium-x4"])
def test_a_bundled_pair_fades_from_one_to_the_other(model: str) -> None:
    """The medium model's sibling is of another size."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    real = Upscaler(model, engine="torch", precision="f32")(pixels).astype(float)
    faithful = Upscaler("fasrgan-lite-psnr-x4", engine="torch", precision="f32")(pixels).astype(float)
    results = [
        Upscaler(model, fidelity=value, engine="torch", precision="f32")(pixels).astype(float)
        for value in (0, 0.5, 1)
    ]
    assert np.array_equal(results[0], real) and np.array_equal(results[2], faithful)
    apart = np.abs(real - faithful).mean()
    assert 0 < np.abs(results[1] - faithful).mean() < apart


def test_both_axes_at_once_where_the_siblings_have_another_size() -> None:
    """The mean of medium's results and lite's, mixed with lite's."""
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    exact = {"engine": "torch", "precision": "f32"}
    clean, any_image, faithful = (
        Upscaler(name, **exact)(pixels).astype(float)
        for name in ("fasrgan-lite-bicubic-x4", "fasrgan-medium-x4", "fasrgan-lite-psnr-x4")
    )
    both = Upscaler("fasrgan-medium-x4", fidelity=0.5, denoise=0.5, **exact)
    distant = np.abs(both(pixels) - ((clean + any_image) / 2 + faithful) / 2)
    assert np.median(distant) < np.median(np.abs(any_image - faithful)) / 2
    assert both.overlap == Upscaler("fasrgan-medium-x4", **exact).overlap


def _bundled_lines() -> list[tuple[str, str]]:
    lines = [(name, axis) for name in bundled_models() for axis in ("fidelity", "denoise")]
    return [line for line in lines if sibling_name(model_files(line[0]), line[1]) in bundled_models()]


@pytest.mark.parametrize(("name", "axis"), _bundled_lines())
def test_no_place_between_bundled_models_is_worse_than_both(name: str, axis: str) -> None:
    from PIL import Image

    from fasrgan_hub.metrics import psnr

    examples = Path(__file__).parents[2] / "spaces/upscaler/examples"
    truth = np.asarray(Image.open(examples / "cat.png").convert("RGB"))[60:252, 100:292]
    side = 192 // model_files(name).scale
    small = np.asarray(Image.fromarray(truth).resize((side, side), Image.Resampling.BICUBIC))
    scores = [
        psnr(Upscaler(name, engine="torch", precision="f32", **{axis: value})(small), truth)
        for value in (0, 0.5, 1)
    ]
    assert scores[1] > min(scores[0], scores[2])


def test_a_folder_beside_a_folder(four) -> None:
    files = model_files(four / "my-psnr-x4")
    chosen = blend(files, 1.0, faithful=four / "my-x4")
    assert torch.equal(weights(chosen), weights(four / "my-x4"))


@pytest.mark.parametrize("other", [{**SMALL, "blocks": 2}, {**SMALL, "features": 16}])
def test_of_networks_of_two_sizes_the_results_are_mixed(other: dict) -> None:
    torch.manual_seed(0)
    first, second = RRDBNet(**SMALL).eval(), RRDBNet(**other).eval()
    x = torch.rand(1, 3, 12, 14)
    mixed = between(first, second, 0.25)
    with torch.inference_mode():
        expected = 0.75 * first(x) + 0.25 * second(x)
        assert torch.allclose(mixed(x), expected, atol=1e-6)
        assert not torch.allclose(first(x), second(x), atol=1e-3)
        small = (x[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        enlarged = Upscaler(mixed, engine="torch", precision="f32", edges="zeros")(small)
        whole = mixed(torch.from_numpy(small).permute(2, 0, 1)[None] / 255)[0].permute(1, 2, 0)
    assert np.abs(enlarged - (whole.clamp(0, 1) * 255).round().numpy()).max() <= 1


def test_of_networks_of_two_ancestors_the_results_are_mixed(four, tmp_path) -> None:
    """Along both axes: what is half-way on the one has results between on the other, though the shapes are equal."""
    four = shutil.copytree(four, tmp_path / "four")
    for name in ("my-psnr-x4", "my-bicubic-x4"):
        edit_config(four / name, ancestor=name)
    x = torch.rand(1, 3, 12, 14)
    with torch.inference_mode():
        enlarged = {where: from_pretrained(four / name)(x) for where, name in CORNERS.items()}
        expected = sum(abs(1 - f - 0.25) * abs(1 - d - 0.5) * result for (f, d), result in enlarged.items())
        mixed = blend(model_files(four / "my-x4"), 0.25, 0.5)
        assert isinstance(mixed, nn.Module)
        torch.testing.assert_close(mixed(x), expected, atol=1e-6, rtol=0)


def test_networks_of_two_scales_are_refused() -> None:
    with pytest.raises(UserError, match="one scale"):
        between(RRDBNet(**SMALL), RRDBNet(**SMALL, scale=2), 0.5)


def test_another_name_for_the_same_network_is_fine() -> None:
    between(FASRGAN(**SMALL), ESRGAN(**SMALL), 0.5)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
@pytest.mark.parametrize("axis", ["fidelity", "denoise"])
def test_a_number_out_of_range(axis: str, value: float) -> None:
    with pytest.raises(UserError, match=f"{axis} .*out of range"):
        blend(model_files("fasrgan-lite-x4"), **{axis: value})


def test_a_mean_of_results_runs_on_the_engine_that_its_parts_run_on() -> None:
    small, large = (FASRGAN(blocks=blocks, features=4, growth=2) for blocks in (1, 2))
    assert Upscaler(between(small, large, 0.5)).engine_name == Upscaler(small).engine_name
    foreign = nn.Upsample(scale_factor=4)
    assert Upscaler(foreign).engine_name.startswith("torch f32")
