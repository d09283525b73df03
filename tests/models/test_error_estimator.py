"""The network of the error map: its sizes, its reach, its calibration, and a file that comes back as it was."""

import numpy as np
import pytest
import torch
from conftest import photo

from fasrgan_hub import FASRGAN
from fasrgan_hub.errors import UserError
from fasrgan_hub.models.error_estimator import ErrorEstimator


def random_estimator(scale=4, width=6, reference=""):
    """One whose map is far from constant."""
    torch.manual_seed(5)
    estimator = ErrorEstimator(scale, width, reference).eval()
    with torch.no_grad():
        estimator.direct.weight.mul_(4)
    return estimator


def tensors(height, width, scale=4, seed=0):
    """A result of some image, and the image."""
    sizes = ((scale * height, scale * width), (height, width))
    return [torch.from_numpy(photo(*size, seed)).permute(2, 0, 1)[None] / 255 for size in sizes]


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (7, 10), (16, 13)])
@torch.inference_mode()
def test_the_map_has_the_size_of_the_result(scale, size):
    levels = random_estimator(scale)(*tensors(*size, scale))
    assert levels.shape == (1, 1, scale * size[0], scale * size[1])
    assert levels.min() >= 0 and levels.max() <= 255


@pytest.mark.parametrize("scale", [2, 4])
@torch.inference_mode()
def test_a_pixel_depends_on_what_is_in_reach_alone_and_on_the_damage(scale):
    estimator = random_estimator(scale)
    result, small = tensors(48, 48, scale)
    damage = estimator.damage_of(small)
    before = estimator(result, small, damage)
    at = slice(scale * 24, scale * 25)
    result[..., at, at] += 0.5
    small[..., 24, 24] -= 0.5
    rows, columns = np.nonzero((estimator(result, small, damage) - before)[0, 0].numpy())
    low, high = scale * (24 - estimator.reach), scale * (25 + estimator.reach)
    assert rows.min() >= low and rows.max() < high and columns.min() >= low and columns.max() < high
    assert rows.max() - rows.min() > scale * estimator.reach, "far pixels do count"
    assert (estimator(result, small, damage + 3) - before).abs().min() > 0


@pytest.mark.parametrize("scale", [2, 4])
@torch.inference_mode()
def test_what_the_reference_makes_of_the_image_counts_nearby(scale):
    estimator = random_estimator(scale, reference="another")
    result, small = tensors(48, 48, scale)
    other, damage = tensors(48, 48, scale, seed=3)[0], estimator.damage_of(small)
    before = estimator(result, small, damage, other)
    assert (estimator(result, small, damage) - before).abs().mean() > 0.01 * before.mean()
    other[..., scale * 24, scale * 24] += 0.5
    rows, columns = np.nonzero((estimator(result, small, damage, other) - before)[0, 0].numpy())
    low, high = scale * (24 - estimator.reach), scale * (25 + estimator.reach)
    assert len(rows) and rows.min() >= low and rows.max() < high
    assert columns.min() >= low and columns.max() < high


@torch.inference_mode()
def test_without_its_result_a_reference_changes_nothing_that_is_seen():
    estimator = random_estimator(reference="another")
    result, small = tensors(20, 20)
    seen = estimator.normalized(estimator.cues(result, small))
    assert (seen[:, estimator.compared] == 0).all() and estimator.compared.sum() == 3
    assert (estimator.normalized(estimator.cues(result, small, other=small.repeat(1, 1, 4, 4))) != 0).any()


@torch.inference_mode()
def test_flat_gray_has_a_flat_map():
    estimator = random_estimator()
    for level in (0.1, 0.5, 0.9):
        levels = estimator(torch.full((1, 3, 160, 160), level), torch.full((1, 3, 40, 40), level))
        assert levels.max() - levels.min() < 1e-3 * levels.mean()


def test_the_calibration_is_a_rising_curve_with_its_slopes():
    estimator = random_estimator()
    levels = torch.linspace(0, 260, 1000)
    assert torch.allclose(estimator.calibrated(levels), levels.clamp(max=255), atol=1e-3)
    estimator.slopes = torch.tensor([2.0, *[0.5] * (len(estimator.KNOTS) - 1)])
    assert torch.allclose(
        estimator.calibrated(torch.tensor([0.0, 0.5, 1.0, 5.0])), torch.tensor([0, 1.0, 2, 4])
    )
    assert (estimator.calibrated(levels).diff() >= 0).all()


@pytest.mark.parametrize("reference", ["", "fasrgan-lite-x2"])
@torch.inference_mode()
def test_a_saved_estimator_comes_back_and_is_small(tmp_path, reference):
    estimator = random_estimator(2, reference=reference)
    estimator.slopes, estimator.center = torch.rand(len(estimator.KNOTS)), torch.rand(len(estimator.center))
    estimator.save_pretrained(tmp_path / "model" / "difficulty")
    again = ErrorEstimator.from_pretrained(tmp_path / "model", subfolder="difficulty")
    assert (again.reach, again.reference) == (estimator.reach, reference)
    assert torch.equal(again(*tensors(9, 9, 2)), estimator(*tensors(9, 9, 2)))
    ErrorEstimator().save_pretrained(tmp_path / "full")
    assert (tmp_path / "full" / "model.safetensors").stat().st_size < 40_000
    with pytest.raises(UserError, match="ErrorEstimator"):
        FASRGAN.from_pretrained(tmp_path / "model" / "difficulty")


def test_a_scale_that_no_generator_has_is_refused():
    with pytest.raises(ValueError, match="scale is 5"):
        ErrorEstimator(5)
