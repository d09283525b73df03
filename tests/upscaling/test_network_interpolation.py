import numpy as np
import pytest
import torch
from torch import nn

from fasrgan_hub.errors import UserError
from fasrgan_hub.models.generators import RRDBNet
from fasrgan_hub.systems import ESRGAN, FASRGAN, from_pretrained
from fasrgan_hub.upscaling.network_interpolation import between, load_between, sibling
from fasrgan_hub.upscaling.upscaler import Upscaler

SMALL = {"blocks": 1, "features": 8, "growth": 4}


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([value.flatten() for value in model.state_dict().values()])


def test_the_ends_are_the_two_models_and_the_middle_lies_between() -> None:
    real, faithful = RRDBNet(**SMALL), RRDBNet(**SMALL)
    before = weights(real).clone()
    assert torch.equal(weights(between(real, faithful, 0.0)), weights(real))
    assert torch.equal(weights(between(real, faithful, 1.0)), weights(faithful))
    quarter = between(real, faithful, 0.25)
    torch.testing.assert_close(weights(quarter), 0.75 * weights(real) + 0.25 * weights(faithful))
    assert not quarter.training and torch.equal(weights(real), before)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fasrgan-lite-x4", "fasrgan-lite-psnr-x4"),
        ("org/fasrgan-x4", "org/fasrgan-psnr-x4"),
        ("runs/my-x4/", "runs/my-psnr-x4"),
    ],
)
def test_the_name_of_the_sibling(name: str, expected: str) -> None:
    assert sibling(name) == expected


@pytest.mark.parametrize("name", ["fasrgan-lite-psnr-x4", "org/model", "bicubic", RRDBNet(**SMALL)])
def test_who_names_no_sibling(name: str | nn.Module) -> None:
    with pytest.raises(UserError, match="--faithful"):
        load_between(name, 0.5)


def test_the_bundled_pair_fades_from_one_to_the_other() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    real = Upscaler("fasrgan-lite-x4", engine="torch", precision="f32")(pixels).astype(float)
    faithful = Upscaler("fasrgan-lite-psnr-x4", engine="torch", precision="f32")(pixels).astype(float)
    results = [
        Upscaler(fidelity=value, engine="torch", precision="f32")(pixels).astype(float)
        for value in (0, 0.5, 1)
    ]
    assert np.array_equal(results[0], real) and np.array_equal(results[2], faithful)
    apart = np.abs(real - faithful).mean()
    assert 0 < np.abs(results[1] - faithful).mean() < apart


def test_a_folder_beside_a_folder(tmp_path) -> None:
    for name in ("my-x4", "my-psnr-x4"):
        FASRGAN(**SMALL).save_pretrained(tmp_path / name)
    result = load_between(tmp_path / "my-x4", 1.0)
    assert torch.equal(weights(result), weights(from_pretrained(tmp_path / "my-psnr-x4")))
    named = load_between(tmp_path / "my-psnr-x4", 1.0, tmp_path / "my-x4")
    assert torch.equal(weights(named), weights(from_pretrained(tmp_path / "my-x4")))


@pytest.mark.parametrize("other", [{**SMALL, "blocks": 2}, {**SMALL, "features": 16}])
def test_networks_of_two_sizes_are_refused(other: dict) -> None:
    with pytest.raises(UserError, match="one size"):
        between(RRDBNet(**SMALL), RRDBNet(**other), 0.5)


def test_another_name_for_the_same_network_is_fine() -> None:
    between(FASRGAN(**SMALL), ESRGAN(**SMALL), 0.5)


@pytest.mark.parametrize("fidelity", [-0.1, 1.1, float("nan")])
def test_a_number_out_of_range(fidelity: float) -> None:
    with pytest.raises(UserError, match="out of range"):
        load_between("fasrgan-lite-x4", fidelity)


def test_a_sibling_that_is_not_there(tmp_path) -> None:
    FASRGAN(**SMALL).save_pretrained(tmp_path / "my-x4")
    with pytest.raises(UserError, match="my-psnr-x4"):
        load_between(tmp_path / "my-x4", 0.5)
