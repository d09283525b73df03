"""Micro-batches add up to the batch, and recomputed activations to the same gradients; in double precision."""

import pytest
import torch
from accelerate import Accelerator
from small import config, fresh_accelerate, merged, tiny_features  # noqa: F401
from test_processes import HAAR, batches, make_stage, metric_terms, moved

from fasrgan_hub.errors import UserError
from fasrgan_hub.training.loop import make_loader
from fasrgan_hub.training.nested import override

NO_NORM = {"norm": "none"}

pytestmark = pytest.mark.usefixtures("tiny_features")


@pytest.fixture(autouse=True)
def double_precision():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    ("system", "stage", "more"),
    [
        ("fasrgan-lite", "psnr", {}),
        ("fs-srgan-lite", "psnr", {}),
        ("fasrgan-lite", "gan", {}),
        ("fs-srgan-lite", "gan", {}),
        ("fa-fs-srgan-lite", "gan", {"r1": 1.0, "d_every": 2}),
    ],
)
def test_micro_batches_add_up(photos, tmp_path, system, stage, more):
    optimizer = {"ema": 0.0, **more}
    parts_add_up(config(photos, tmp_path, system, stage, discriminator=NO_NORM, optimizer=optimizer))


@pytest.mark.slow
def test_micro_batches_add_up_with_metric_terms(photos, tmp_path):
    parts_add_up(config(photos, tmp_path, **merged(metric_terms(), {"discriminator": HAAR})))


def parts_add_up(settings):
    whole, parts = (moved(override(settings, {"optimizer": {"accumulate": count}})) for count in (1, 4))
    assert whole.keys() == parts.keys()
    for key, value in whole.items():
        assert (value - parts[key]).abs().max() <= 1e-6, key


def test_the_losses_reported_are_those_of_the_whole_batch(photos, tmp_path):
    reports = []
    for count in (1, 2):
        stage = make_stage(
            config(photos, tmp_path, discriminator=NO_NORM, optimizer={"ema": 0.0, "accumulate": count})
        )
        reports.append(stage.step(*next(batches())))
    assert reports[0].keys() == reports[1].keys()
    for name, value in reports[0].items():
        assert value.item() == pytest.approx(reports[1][name].item(), abs=1e-12), name


def test_the_first_pass_leaves_running_statistics_alone(photos, tmp_path):
    """Two micro-batches, each scored as real and as fake in both steps: 8 batches, none counted twice."""
    stage = make_stage(
        config(photos, tmp_path, optimizer={"accumulate": 2, "r1": 0.0}, discriminator={"norm": "batch"})
    )
    stage.step(*next(batches()))
    assert int(stage.discriminator.down[0][1].num_batches_tracked) == 8


def test_a_batch_must_divide(photos, tmp_path):
    with pytest.raises(UserError, match="does not divide into 1 processes with 3 micro-batches"):
        make_loader(config(photos, tmp_path, optimizer={"accumulate": 3}), Accelerator())
