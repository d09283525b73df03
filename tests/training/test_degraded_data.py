"""The degradation that a configuration names is what the network trains on."""

import torch
from accelerate import Accelerator
from small import config, fresh_accelerate  # noqa: F401

from fasrgan_hub.training.loop import make_loader


def test_the_configured_degradation_reaches_the_loader(photos, tmp_path):
    def batch(degradation):
        chosen = config(photos, tmp_path, data={"degradation": degradation})
        return next(iter(make_loader(chosen, Accelerator(cpu=True))))

    clean, camera = batch("clean"), batch("camera")
    assert torch.equal(clean["hr"], camera["hr"])
    assert not torch.equal(clean["lr"], camera["lr"])
    assert clean["lr"].shape == camera["lr"].shape
