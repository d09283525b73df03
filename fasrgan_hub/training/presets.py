"""Every run of the paper, and the bundled models' recipes, by name: `--preset NAME`, listed by `--list`.

A preset is a set of choices for `TrainConfig`; whatever the command line says besides goes before it. Where the
reference code differs from the paper, its values are: `--optimizer.halve_at [50000,100000,200000,300000]` instead of
halving every 200,000 steps, `--optimizer.lr 2.5e-5` for FA+Fs-SRGAN, `--discriminator.bn_eps_slip true` for the UNet.
"""

from typing import Any

from ..systems import SYSTEMS
from .nested import plain
from .recipes import BLOCK_WEIGHTS, make_config

Choices = dict[str, Any]

REALSR: Choices = {"steps": 150_000, "optimizer": {"lr": 1e-4, "halve_every": 50_000}}

# A pooled discriminator without batch norm for the large generators too: see `systems.LITE_DISCRIMINATORS`.
SMALL_UNET: Choices = {"width": 24, "crop": 0, "hidden": 128, "norm": "none", "upsample": "aligned"}

# Those of the other bundled models learned alone, without R1, to tell results from photographs: the squared gradient at
# a photograph is hundreds of times as large.
TRAINED_AGAINST = "fasrgan-lite-x2"
"""The bundled model whose discriminator is the one that its generator was trained against; it sees images alone."""


def _recipe(
    system: str, start: str, steps: int, optimizer: Choices, losses: Choices, data: Choices, **more: Any
) -> Choices:
    """The last long stage of a bundled model; `losses` are empty for L1. A model named as the preset is trained on."""
    base: Choices = {
        "system": system,
        "stage": "gan" if losses else "psnr",
        "steps": steps,
        "precision": "bf16",
        "start": {"init": start},
        "optimizer": {"warmup": 50, "cosine_steps": steps, "ema": 0.998, **optimizer},
        "data": {"crop": 128, "batch": 16, "crops_per_image": 8, "shuffle_buffer": 96, "crop_candidates": 1, **data},
    }  # fmt: skip
    if losses:
        base["start"]["init_discriminator"] = TRAINED_AGAINST
        base["optimizer"] = {"r1": 0.003, **base["optimizer"]}
        base["losses"] = {"adversarial": 0.1, "attention": 1.0, "color": 10.0, "texture": 60.0, "grid": 150.0}
        base["losses"] |= losses
        base["perceptual"] = {"network": "vgg16", "block_weights": BLOCK_WEIGHTS}
    return base | more


LARGE: Choices = {"discriminator": SMALL_UNET}
SELDOM: Choices = {"d_every": 2}

BUNDLED: dict[str, Choices] = {
    "fasrgan-x4": _recipe(
        "fasrgan", "fasrgan-x4", 1900, {"lr": 2e-4},
        {"perceptual": 0.7, "content": 30.0, "lpips": 30.0, "dists": 45.0},
        {"degradation": "clean=0.16,web=0.26,camera=0.28,real=0.3"}, **LARGE,
    ),
    "fasrgan-medium-x4": _recipe(
        "fasrgan", "fasrgan-medium-x4", 1200, {"lr": 3e-4, **SELDOM},
        {"perceptual": 1.0, "content": 12.0, "lpips": 32.0},
        {"batch": 12, "degradation": "clean=0.15,web=0.26,camera=0.23,real=0.22,noise=0.14"},
        generator={"blocks": 6}, **LARGE,
    ),
    "fasrgan-lite-x4": _recipe(
        "fasrgan-lite", "fasrgan-lite-x4", 2400, {"lr": 4e-4, **SELDOM},
        {"perceptual": 0.7, "content": 12.0, "lpips": 40.0},
        {"batch": 12, "degradation": "clean=0.2,web=0.26,camera=0.22,real=0.23,noise=0.09"},
    ),
    "fasrgan-lite-psnr-x4": _recipe(
        "fasrgan-lite", "fasrgan-lite-bicubic-psnr-x4", 3600, {"lr": 8e-4, "warmup": 100, "ema": 0.9985}, {},
        {
            "batch": 8, "crops_per_image": 24, "crop_candidates": 2,
            "degradation": "clean=0.25,web=0.3,camera=0.2,real=0.25",
        },
    ),
    "fasrgan-lite-x2": _recipe(
        "fasrgan-lite", "fasrgan-lite-x4", 3500, {"lr": 6e-4, **SELDOM},
        {"perceptual": 1.0, "content": 12.0, "lpips": 10.0, "dists": 20.0},
        {"degradation": "clean=0.2,web=0.3,camera=0.25,real=0.25"},
        generator={"scale": 2},
    ),
    "fasrgan-lite-psnr-x2": _recipe(
        "fasrgan-lite", "fasrgan-lite-x2", 3400, {"lr": 8e-4}, {},
        {
            "batch": 12, "crops_per_image": 16, "shuffle_buffer": 64, "crop_candidates": 2,
            "degradation": "clean=0.8,web=0.12,camera=0.08",
        },
        generator={"scale": 2},
    ),
    "fasrgan-lite-bicubic-x4": _recipe(
        "fasrgan-lite", "fasrgan-lite-bicubic-x4", 2400, {"lr": 4e-4, **SELDOM},
        {"perceptual": 1.0, "content": 12.0, "lpips": 16.0, "dists": 10.0}, {"batch": 24},
    ),
    "fasrgan-lite-bicubic-psnr-x4": _recipe(
        "fasrgan-lite", "fasrgan-lite-bicubic-psnr-x4", 16000, {"lr": 8e-4, "warmup": 100, "ema": 0.9985}, {},
        {"batch": 8, "crops_per_image": 24, "crop_candidates": 2},
    ),
    "fasrgan-bicubic-psnr-x4": _recipe(
        "fasrgan", "fasrgan-x4", 600, {"lr": 2e-4, "ema": 0.995}, {}, {}
    ),
    # The generator came from a run of the preset before: --init RUN/model. The card tells of the runs after it.
    "fasrgan-bicubic-x4": _recipe(
        "fasrgan", "fasrgan-x4", 1300, {"lr": 2e-4},
        {"perceptual": 0.7, "content": 25.0, "lpips": 35.0, "dists": 20.0}, {}, **LARGE,
    ),
}  # fmt: skip
"""The recipes of the bundled models. Their cards name data and seed, and what came before."""


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
    return presets | BUNDLED


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
