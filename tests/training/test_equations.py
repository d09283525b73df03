"""Eq. 1-9 and 11 as the stage computes them, worked out again with numpy from what its networks say."""

import numpy as np
import pytest
import torch
from small import config, fresh_accelerate, tiny_features  # noqa: F401
from test_processes import batches, make_stage

pytestmark = pytest.mark.usefixtures("tiny_features")


def real_or_not(logits, label):
    """The mean of -log(probability of the label)."""
    probability = 1 / (1 + np.exp(-logits))
    return -np.log(probability if label else 1 - probability).mean()


def one_step(settings):
    """A step in double precision: (SR, HR), features, scores by step, totals by step, loss terms."""
    torch.set_default_dtype(torch.float64)
    try:
        stage = make_stage(settings)
        said = {"generator": [], "features": [], "discriminator": []}
        for name, calls in said.items():
            getattr(stage, name).register_forward_hook(lambda module, x, y, calls=calls: calls.append(y))
        totals = []
        backward = stage.accelerator.backward
        stage.accelerator.backward = lambda total: (totals.append(total.item()), backward(total))
        lr, hr = next(batches())
        terms = stage.step(lr, hr)
    finally:
        torch.set_default_dtype(torch.float32)
    numbers = [[part.detach().numpy() for part in call if part is not None] for call in said["discriminator"]]
    features = [call[0].detach().numpy() for call in said["features"]]
    sr = said["generator"][0].detach().numpy()
    return sr, hr.numpy(), features, numbers, totals, {name: value.item() for name, value in terms.items()}


def test_equations_1_to_9(photos, tmp_path):
    sr, hr, features, scores, totals, terms = one_step(config(photos, tmp_path, "fasrgan"))
    (real, real_map), (fake, fake_map), (d_real, d_real_map), (d_fake, d_fake_map) = scores
    expected = {
        "content": np.abs(sr - hr).mean(),
        "perceptual": np.abs(features[0] - features[1]).mean(),
        "fine": (real_or_not(real_map, 0) + real_or_not(fake_map, 1)) / 2,
        "entire": (real_or_not(real - fake.mean(), 0) + real_or_not(fake - real.mean(), 1)) / 2,
        "attention": ((1 - 1 / (1 + np.exp(-fake_map))) * np.abs(sr - hr)).mean(),
        "d_image": (real_or_not(d_real - d_fake.mean(), 1) + real_or_not(d_fake - d_real.mean(), 0)) / 2,
        "d_map": (real_or_not(d_real_map, 1) + real_or_not(d_fake_map, 0)) / 2,
        "d_margin": d_real.mean() - d_fake.mean(),
    }
    assert terms == pytest.approx(expected, rel=1e-9)
    eq_5 = expected["entire"] + expected["fine"]
    eq_9 = expected["perceptual"] + 5e-3 * eq_5 + 1e-2 * expected["attention"] + 1e-2 * expected["content"]
    assert totals == pytest.approx([eq_9, expected["d_image"] + expected["d_map"]], rel=1e-9)


def test_equation_11(photos, tmp_path):
    sr, hr, features, scores, totals, terms = one_step(config(photos, tmp_path, "fs-srgan"))
    (real,), (fake,), (d_real,), (d_fake,) = scores
    entire = (real_or_not(real - fake.mean(), 0) + real_or_not(fake - real.mean(), 1)) / 2
    d_image = (real_or_not(d_real - d_fake.mean(), 1) + real_or_not(d_fake - d_real.mean(), 0)) / 2
    eq_11 = np.abs(features[0] - features[1]).mean() + 5e-3 * entire + 1e-2 * np.abs(sr - hr).mean()
    assert totals == pytest.approx([eq_11, d_image], rel=1e-9)
    assert set(terms) == {"content", "perceptual", "entire", "d_image", "d_margin"}
    assert not np.allclose(real, d_real), "the extractor moved between the two steps"


def test_a_perceptual_term_without_weight_costs_nothing(photos, tmp_path):
    settings = config(photos, tmp_path, "fs-srgan", losses={"perceptual": 0.0})
    sr, hr, features, ((real,), (fake,), *_), totals, terms = one_step(settings)
    assert features == []
    entire = (real_or_not(real - fake.mean(), 0) + real_or_not(fake - real.mean(), 1)) / 2
    assert totals[0] == pytest.approx(5e-3 * entire + 1e-2 * np.abs(sr - hr).mean(), rel=1e-9)
    assert "perceptual" not in terms
