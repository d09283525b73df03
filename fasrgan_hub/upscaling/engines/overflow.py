"""Low precision with a fallback: tiles that are not finite are computed again in f32."""

import warnings
from collections.abc import Callable
from functools import cache

import numpy as np

from .network import Engine


def with_f32_fallback(low: Engine, make_f32: Callable[[], Engine], name: str) -> Engine:
    """`low`, but a result that is not finite is computed again in f32, with one warning.

    A float16 activation above 65504 becomes infinite, and the tile would be black.

    Args:
        low: the engine of low precision.
        make_f32: builds the exact engine when it is first needed.
        name: what the warning calls `low`.
    """

    @cache
    def f32() -> Engine:
        message = f"the network overflows in {name}; those tiles are computed again in f32"
        warnings.warn(message, stacklevel=3)
        return make_f32()

    def run(x: np.ndarray) -> np.ndarray:
        y = low(x)
        return y if np.isfinite(y.sum()) else f32()(x)

    return run
