"""Two processes on half a batch each do what one does on the whole.

In double precision: a shift of all logits cancels in the relativistic loss, so that some gradients are nothing but
rounding noise, which Adam would enlarge to whole steps.
"""

import pytest
import torch
from accelerate import Accelerator, debug_launcher
from accelerate.state import AcceleratorState
from test_training import config

from fasrgan_hub.training.loop import initial_generator
from fasrgan_hub.training.stages import AdversarialStage, PixelStage

STEPS = 4


def train_on_share(settings, target):
    """STEPS steps on this process's share of the same batches; the first process stores all weights."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    accelerator = Accelerator(cpu=True)
    stage = (PixelStage if settings.stage == "psnr" else AdversarialStage)(
        settings, accelerator, initial_generator(settings)
    )
    batches = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        hr = torch.rand(4, 3, 32, 32, generator=batches)
        share = slice(accelerator.process_index, None, accelerator.num_processes)
        stage.step(torch.nn.functional.avg_pool2d(hr, 4)[share], hr[share])
    if accelerator.is_main_process:
        weights = dict(stage.generator.state_dict())
        if settings.stage == "gan":
            weights |= stage.discriminator.state_dict(prefix="discriminator.")
        torch.save(weights, target)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["psnr", "gan"])
@pytest.mark.parametrize("system", ["fasrgan-lite", "fs-srgan-lite", "fa-fs-srgan-lite"])
def test_two_processes_equal_one(photos, tmp_path, system, stage):
    settings = config(
        photos, tmp_path, system, stage, discriminator="width=4,hidden=8,crop=0,norm=none", ema=0.0
    )
    debug_launcher(train_on_share, (settings, tmp_path / "two.pt"), num_processes=2)
    train_on_share(settings, tmp_path / "one.pt")
    torch.set_default_dtype(torch.float32)
    AcceleratorState._reset_state(reset_partial_state=True)
    one, two = (torch.load(tmp_path / name, weights_only=True) for name in ("one.pt", "two.pt"))
    assert one.keys() == two.keys()
    for key, value in one.items():
        assert (value - two[key]).abs().max() <= 1e-6, key
