"""Any factor: four times by the network, then bicubic down to what was asked for (`resampling`).

Above four the network runs on its own result first, which is then held in memory.
"""

import math

from ..errors import UserError
from .tiles import SCALE

LARGEST = SCALE * SCALE


def check_scale(scale: float) -> None:
    """UserError unless an image can be enlarged `scale` times."""
    if not 0 < scale <= LARGEST:
        raise UserError(f"scale {scale:g} is out of range; an image can be enlarged up to {LARGEST} times")


def scaled(length: int, scale: float) -> int:
    """The side that a side of `length` pixels becomes: rounded, halves upwards, at least 1."""
    return max(1, math.floor(length * scale + 0.5))
