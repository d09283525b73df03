"""Tiles of any image through an engine that takes RGB: gray, alpha, integers of 8 and 16 bits."""

import numpy as np

from ..errors import UserError
from ..images.pixels import white
from .engines.network import Engine
from .transparency import fill_transparent


def enlarge_tile(engine: Engine, alpha_engine: Engine, scale: int, tile: np.ndarray) -> np.ndarray:
    """One tile, (h, w, C) of any type -> (sh, sw, C) of the same type.

    Raises UserError if the engine enlarges by another factor than `scale`.
    """
    integers = tile.dtype.kind == "u"
    levels = white(tile)
    x = tile.transpose(2, 0, 1)[None].astype(np.float32, order="C") / np.float32(levels)
    count = 1 if x.shape[1] < 3 else 3
    colors, alpha = x[:, :count], x[:, count:]
    if alpha.shape[1]:
        colors = fill_transparent(colors, alpha)
    y = engine(colors if count == 3 else colors.repeat(3, axis=1))
    if y.shape[2:] != (scale * x.shape[2], scale * x.shape[3]):
        raise UserError(
            f"the model made {y.shape[3]}x{y.shape[2]} pixels of a tile of {x.shape[3]}x{x.shape[2]}, not "
            f"{scale} times as many a side; its attribute 'scale' says how many"
        )
    if count == 1:
        y = y.clip(0, 1).mean(axis=1, keepdims=True)
    if alpha.shape[1]:
        y = np.concatenate((y, alpha_engine(alpha)), axis=1)
    y = y.clip(0, 1)
    if integers:
        np.rint(np.multiply(y, levels, out=y), out=y)
    enlarged: np.ndarray = y[0].transpose(1, 2, 0).astype(tile.dtype)
    return enlarged
