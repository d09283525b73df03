"""LR images as the world makes them: blur, resizing, noise and lossy files, in random measure."""

from .mixtures import Degradation, Mixture
from .parsing import read_mixture
from .presets import PRESETS
from .steps import Blur, Codec, Noise, Resize, Step

__all__ = ["PRESETS", "Blur", "Codec", "Degradation", "Mixture", "Noise", "Resize", "Step", "read_mixture"]
