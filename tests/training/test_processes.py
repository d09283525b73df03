"""Two processes on half a batch each do what one does on the whole.

In double precision: a shift of all logits cancels in the relativistic loss, so that some gradients are nothing but
rounding noise, which Adam would enlarge to whole steps.
"""

import pytest
import torch
from accelerate import Accelerator, debug_launcher
from small import config, fresh_accelerate, merged, tiny_features  # noqa: F401

from fasrgan_hub.errors import UserError
from fasrgan_hub.metrics import LPIPS
from fasrgan_hub.metrics.dists import DISTS
from fasrgan_hub.training.nested import override
from fasrgan_hub.training.starting import build_stage

STEPS = 4
HAAR = {"norm": "none", "input": "haar", "width": 4, "hidden": 8, "crop": 0}


def make_stage(settings):
    torch.manual_seed(0)
    return build_stage(settings, Accelerator(cpu=True, mixed_precision=settings.precision))


def batches(crop=32):
    """The same pairs for every process: (4, 3, crop / 4, crop / 4), (4, 3, crop, crop)."""
    chance = torch.Generator().manual_seed(1)
    while True:
        hr = torch.rand(4, 3, crop, crop, generator=chance)
        yield torch.nn.functional.avg_pool2d(hr, 4), hr


def moved(settings):
    """All weights after STEPS steps on this process's share of the batches."""
    stage = make_stage(settings)
    share = slice(stage.accelerator.process_index, None, stage.accelerator.num_processes)
    for _, (lr, hr) in zip(range(STEPS), batches(settings.data.crop), strict=False):
        stage.step(lr[share], hr[share])
    weights = dict(stage.generator.state_dict())
    if settings.stage == "gan":
        weights |= stage.discriminator.state_dict(prefix="discriminator.")
    return weights


def train_on_share(settings, target):
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    weights = moved(settings)
    if Accelerator().is_main_process:
        torch.save(weights, target)


def metric_terms():
    """Choices with metrics as loss terms; skips where their weights cannot be had."""
    try:
        LPIPS(), DISTS()
    except UserError as error:
        pytest.skip(f"the weights of the metrics cannot be had here: {error}")
    return {"losses": {"lpips": 1.0, "dists": 1.0}, "data": {"crop": 36}}


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_features")
def test_two_processes_equal_one_with_metric_terms(photos, tmp_path):
    settings = config(photos, tmp_path, **merged(metric_terms(), {"discriminator": HAAR}))
    two_equal_one(override(settings, {"optimizer": {"accumulate": 2}}), tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_features")
@pytest.mark.parametrize(
    ("system", "stage", "more"),
    [
        ("fasrgan-lite", "psnr", {}),
        ("fs-srgan-lite", "psnr", {"accumulate": 2}),
        ("fasrgan-lite", "gan", {}),
        ("fs-srgan-lite", "gan", {}),
        ("fa-fs-srgan-lite", "gan", {}),
        ("fasrgan-lite", "gan", {"accumulate": 2}),
        ("fs-srgan-lite", "gan", {"accumulate": 2}),
        ("fa-fs-srgan-lite", "gan", {"accumulate": 2, "r1": 1.0}),
    ],
)
def test_two_processes_equal_one(photos, tmp_path, system, stage, more):
    norm, optimizer = {"norm": "none"}, {"ema": 0.0, **more}
    two_equal_one(config(photos, tmp_path, system, stage, discriminator=norm, optimizer=optimizer), tmp_path)


def two_equal_one(two, tmp_path):
    one = override(two, {"optimizer": {"accumulate": 1}})
    try:
        debug_launcher(train_on_share, (two, tmp_path / "two.pt"), num_processes=2)
        train_on_share(one, tmp_path / "one.pt")
    finally:
        torch.set_default_dtype(torch.float32)
    expected, weights = (torch.load(tmp_path / name, weights_only=True) for name in ("one.pt", "two.pt"))
    assert expected.keys() == weights.keys()
    for key, value in expected.items():
        assert (value - weights[key]).abs().max() <= 1e-6, key
