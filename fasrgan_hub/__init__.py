"""Perceptual super-resolution with fine-grained attention and feature-sharing GANs.

>>> from fasrgan_hub import FASRGAN, Upscaler
>>> model = FASRGAN.from_pretrained("fasrgan-lite-x4")
>>> Upscaler(model)("photo.jpg").save("photo_x4.png")

Names are imported when they are first used: importing the package alone loads neither torch nor gradio nor datasets.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .errors import UserError as UserError
    from .evaluation import evaluate as evaluate
    from .models.discriminators import UNetDiscriminator as UNetDiscriminator
    from .models.discriminators import VGGDiscriminator as VGGDiscriminator
    from .systems import *  # noqa: F403  (what its __all__ lists)
    from .upscaling.score_map import ScoreMap as ScoreMap
    from .upscaling.score_map import ScoreMapPredictor as ScoreMapPredictor
    from .upscaling.upscaler import Upscaler as Upscaler
else:
    from importlib import import_module

    _MODULES = {
        "UserError": "errors",
        "evaluate": "evaluation",
        "UNetDiscriminator": "models.discriminators",
        "VGGDiscriminator": "models.discriminators",
        "ScoreMap": "upscaling.score_map",
        "ScoreMapPredictor": "upscaling.score_map",
        "Upscaler": "upscaling.upscaler",
    }

    def __getattr__(name):
        """A public name, from its module; all others come from the table of systems, which says which it has."""
        if name in _MODULES:
            return getattr(import_module(f".{_MODULES[name]}", __name__), name)
        if name == "__all__" or not name.startswith("_"):
            systems = import_module(".systems", __name__)
            if name == "__all__":
                return [*_MODULES, *systems.__all__]
            if name in systems.__all__:
                return getattr(systems, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return [*globals(), *__getattr__("__all__")]
