"""The self-ensemble: the mean over the results for the eight rotations and reflections of an image."""

from itertools import product

import numpy as np

from .engines import Engine


def self_ensemble(engine: Engine) -> Engine:
    """An engine that costs eight times `engine` and treats every direction alike.

    Its result for a rotated or mirrored image is the rotated or mirrored result. With networks of the L1 stage this
    gains some hundredths to tenths of a dB of PSNR; with adversarial ones the invented textures average out.
    """

    def run(x: np.ndarray) -> np.ndarray:
        total = np.zeros(1, np.float32)
        for turns, mirrored in product(range(4), (False, True)):
            y = engine(np.rot90(x[..., ::-1] if mirrored else x, turns, (-2, -1)).copy())
            y = np.rot90(y, -turns, (-2, -1))
            total = total + (y[..., ::-1] if mirrored else y)
        return total / 8

    return run
