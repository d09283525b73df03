"""Eq. 1-9 on numbers worked out by hand with the logistic function."""

import math

import pytest
import torch

from fasrgan_hub import losses


def nll(x, label):
    """-log of the probability of `label` for logit x."""
    p = 1 / (1 + math.exp(-x))
    return -math.log(p if label else 1 - p)


REAL, FAKE = [1.0, 3.0], [-1.0, 0.5]
MEAN_REAL, MEAN_FAKE = 2.0, -0.25


def test_equation_1_and_7():
    real, fake = torch.tensor(REAL)[:, None], torch.tensor(FAKE)[:, None]
    d = sum(nll(r - MEAN_FAKE, 1) for r in REAL) / 2 + sum(nll(f - MEAN_REAL, 0) for f in FAKE) / 2
    g = sum(nll(r - MEAN_FAKE, 0) for r in REAL) / 2 + sum(nll(f - MEAN_REAL, 1) for f in FAKE) / 2
    assert losses.discriminator_image_loss(real, fake).item() == pytest.approx(d / 2)
    assert losses.generator_image_loss(real, fake).item() == pytest.approx(g / 2)


def test_equation_2_and_6():
    real, fake = torch.tensor(REAL).view(1, 1, 1, 2), torch.tensor(FAKE).view(1, 1, 1, 2)
    d = sum(nll(r, 1) for r in REAL) / 2 + sum(nll(f, 0) for f in FAKE) / 2
    g = sum(nll(r, 0) for r in REAL) / 2 + sum(nll(f, 1) for f in FAKE) / 2
    assert losses.discriminator_map_loss(real, fake).item() == pytest.approx(d / 2)
    assert losses.generator_map_loss(real, fake).item() == pytest.approx(g / 2)


def test_equation_3_and_4():
    sr, hr = torch.tensor([0.1, 0.9, 0.5]), torch.tensor([0.3, 0.4, 0.5])
    assert losses.content_loss(sr, hr).item() == pytest.approx(0.7 / 3)
    assert losses.perceptual_loss([sr * 9, sr], [hr * 9, hr]).item() == pytest.approx(10 * 0.7 / 3)


def test_the_color_loss_sees_a_cast_and_no_texture():
    hr = torch.rand(2, 3, 16, 24)
    texture = torch.tensor([[0.2, -0.2], [-0.2, 0.2]]).repeat(8, 12)
    assert losses.color_loss(hr + texture, hr).item() == pytest.approx(0, abs=1e-6)
    assert losses.color_loss(hr + texture + 0.1, hr).item() == pytest.approx(0.1, abs=1e-6)


def test_the_texture_loss_sees_how_much_there_is_and_not_which():
    hr = torch.rand(2, 3, 48, 96)
    assert losses.texture_loss(hr.flip(-1), hr).item() < 0.02
    steps = 6**-0.5  # of uniform noise
    assert losses.texture_loss(hr * 0.5, hr).item() == pytest.approx(steps / 2, rel=0.05)


def test_the_grid_loss_sees_what_repeats_with_the_cells_and_no_other_texture():
    hr = torch.zeros(2, 3, 48, 96)
    cell = torch.tensor([0.2, 0.0, -0.2, 0.0]).repeat(24)  # all steps are equal
    assert losses.grid_loss(hr + cell, hr).item() == pytest.approx(0.1, abs=0.005)
    off_the_grid = 0.2 * torch.sin(torch.arange(48) * 2 * math.pi * 5 / 48).repeat(2)
    assert losses.grid_loss(hr + off_the_grid, hr).item() < 0.02


def test_the_grid_loss_sees_a_mesh_whose_cells_differ():
    """Noise that is stronger at one place of each cell: the mean there is that of all others."""
    torch.manual_seed(0)
    hr, other = 0.05 * torch.randn(2, 1, 3, 96, 96)
    stronger = torch.ones(4, 4)
    stronger[1, 2] = 3
    mesh = other * stronger.repeat(24, 24) * 16**0.5 / 24**0.5  # of the same power
    assert losses.texture_loss(mesh, hr).item() < 0.01
    assert losses.grid_loss(mesh, hr).item() > 2 * losses.grid_loss(other, hr).item()


def test_the_terms_of_our_own_have_a_gradient_where_nothing_differs():
    for name, term in losses.EXTRA_TERMS.items():
        sr = torch.full((1, 3, 48, 48), 0.5, requires_grad=True)
        term(sr, torch.rand(1, 3, 48, 48)).backward()
        assert sr.grad is not None and sr.grad.isfinite().all(), name


def test_equation_8_weighs_pixels_by_doubt_and_passes_no_gradient_to_the_map():
    score = torch.tensor([[[[0.0, 20.0]]]], requires_grad=True)
    sr = torch.tensor([[[[0.5, 0.5]]]], requires_grad=True)
    loss = losses.attention_loss(score, sr, torch.zeros(1, 1, 1, 2))
    assert loss.item() == pytest.approx(0.5 * 0.5 / 2, abs=1e-6)
    loss.backward()
    assert score.grad is None
    assert sr.grad[0, 0, 0, 0] == pytest.approx(0.25)
    assert sr.grad[0, 0, 0, 1] == pytest.approx(0, abs=1e-6)


def test_losses_stay_finite_for_huge_logits():
    huge = torch.tensor([[1e4], [-1e4]])
    for function in (losses.discriminator_image_loss, losses.generator_map_loss):
        assert torch.isfinite(function(huge, -huge))


def test_ranking_compares_windows_of_one_pair_alone():
    real, fake = torch.randn(2, 3, 16, 24), torch.randn(2, 3, 16, 24)
    windows = [
        each.mean(dim=1).unflatten(-1, (3, 8)).unflatten(1, (2, 8)).mean(dim=(2, 4)) for each in (real, fake)
    ]
    pairs = [
        nll((r - f).item(), 1)
        for here, there in zip(*windows, strict=True)
        for r in here.flatten()
        for f in there.flatten()
    ]
    assert losses.ranking_loss(real, fake).item() == pytest.approx(sum(pairs) / len(pairs), rel=1e-4)
    offset = torch.tensor([3.0, -7.0]).view(2, 1, 1, 1)
    assert losses.ranking_loss(real + offset, fake + offset).item() == pytest.approx(
        losses.ranking_loss(real, fake).item(), rel=1e-4
    )
