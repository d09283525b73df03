"""Perceptual x4 super-resolution with fine-grained attention and feature-sharing GANs.

>>> from fasrgan_hub import FASRGAN, Upscaler
>>> model = FASRGAN.from_pretrained("fasrgan-lite-x4")
>>> Upscaler(model)("photo.jpg").save("photo_x4.png")

Names are imported when first used: importing the package alone loads neither torch nor gradio nor datasets.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "systems": (
        "ESRGAN",
        "FASRGAN",
        "FsSRGAN",
        "FAFsSRGAN",
        "SRGAN",
        "SRGANFA",
        "SRGANFs",
        "SYSTEMS",
        "from_pretrained",
    ),
    "models.discriminators": ("UNetDiscriminator", "VGGDiscriminator"),
    "upscaling.upscaler": ("Upscaler",),
    "upscaling.score_map": ("ScoreMapPredictor", "ScoreMap"),
    "evaluation": ("evaluate",),
    "errors": ("UserError",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
