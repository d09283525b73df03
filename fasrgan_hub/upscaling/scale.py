"""Any factor: the network enlarges by its own, then bicubic shrinks to the size that was asked for (`resampling`).

Above the network's own factor the network runs on its own result first, which is then held in memory.
"""

import math

from ..errors import UserError


def check_scale(scale: float, model_scale: int) -> None:
    """Raise UserError unless a model of that factor can enlarge an image `scale` times."""
    if not 0 < scale <= model_scale**2:
        raise UserError(f"scale {scale:g} is out of range; it must be above 0, and at most {model_scale**2}")


def scaled(length: int, scale: float) -> int:
    """The side that a side of `length` pixels becomes: rounded, halves upwards, at least 1."""
    return max(1, math.floor(length * scale + 0.5))
