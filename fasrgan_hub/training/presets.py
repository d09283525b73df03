"""Every run of the paper by name: `--preset NAME`, listed by `--list`.

A preset is a set of choices for `TrainConfig`; whatever the command line says besides goes before it. Where the
reference code differs from the paper, its values are: `--optimizer.halve_at [50000,100000,200000,300000]` instead of
halving every 200,000 steps, `--optimizer.lr 2.5e-5` for FA+Fs-SRGAN, `--discriminator.bn_eps_slip true` for the UNet.
"""

from typing import Any

from ..systems import SYSTEMS
from .nested import plain
from .recipes import make_config

Choices = dict[str, Any]

REALSR: Choices = {"steps": 150_000, "optimizer": {"lr": 1e-4, "halve_every": 50_000}}


def _presets() -> dict[str, Choices]:
    presets: dict[str, Choices] = {}
    for name in SYSTEMS:
        presets[f"{name}-psnr"] = {"system": name, "stage": "psnr"}
        presets[name] = {"system": name, "stage": "gan"}
    # Table IV: each mechanism removed, the losses that remain unchanged.
    presets["fasrgan-without-attention"] = {"system": "fasrgan", "losses": {"attention": 0.0, "fine": 0.0}}
    presets["fs-srgan-without-sharing"] = {
        "system": "fs-srgan",
        "discriminator": {"in_channels": 3, "own_blocks": 1},
    }
    # Table V: the weight of the attention loss (0.01 is the preset fasrgan).
    for weight in (0.05, 0.005):
        presets[f"fasrgan-lambda2-{weight}"] = {"system": "fasrgan", "losses": {"attention": weight}}
    # Fig. 13: the depth of the shared extractor, E + G = 17 blocks (E1G16 is the preset fs-srgan).
    for depth in (2, 3, 4, 5):
        blocks = {"shared_blocks": depth, "blocks": 17 - depth}
        for stage in ("psnr", "gan"):
            name = f"fs-srgan-e{depth}g{17 - depth}" + ("-psnr" if stage == "psnr" else "")
            presets[name] = {"system": "fs-srgan", "stage": stage, "generator": blocks}
    # Table VII: fine-tuning on RealSR, with --data pairs:LR_DIR,HR_DIR and --init.
    for name in ("esrgan", "fasrgan", "fs-srgan"):
        presets[f"{name}-realsr"] = {"system": name, **REALSR}
    return presets


PRESETS = _presets()


def listing() -> str:
    """The presets as an aligned table: what each is and what it takes from the command line's other defaults."""
    rows = [("preset", "system", "stage", "steps", "batch x crop", "lr", "halved every", "changes")]
    for name, choices in PRESETS.items():
        config = make_config(choices)
        optimizer = config.optimizer
        cosine, halved = f"cosine {optimizer.cosine_steps:,}", f"{optimizer.halve_every:,}"
        changes = " ".join(
            f"{group}.{key}={value}"
            for group in ("generator", "discriminator", "losses")
            for key, value in plain(choices.get(group, {})).items()
        )
        size = f"{config.data.batch} x {config.data.crop}"
        length = (config.system, config.stage, f"{config.steps:,}", size)
        rate = (f"{optimizer.lr:g}", cosine if optimizer.cosine_steps else halved)
        rows.append((name, *length, *rate, changes))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
