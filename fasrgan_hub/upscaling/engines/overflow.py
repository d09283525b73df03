"""The net under low precision: what is not finite is computed again in f32."""

import warnings
from collections.abc import Callable

import numpy as np

Run = Callable[[np.ndarray], np.ndarray]


def guarded(run: Run, exact: Callable[[], Run], name: str) -> Run:
    """`run`, except that a result that is not finite is computed again by `exact()`, with one warning.

    A float16 activation above 65504 becomes infinite and would end as a black tile. `exact` is called when it
    is first needed.
    """
    spare: list[Run] = []

    def checked(x: np.ndarray) -> np.ndarray:
        y = run(x)
        if np.isfinite(y.sum()):
            return y
        if not spare:
            warnings.warn(
                f"the network overflows in {name}; those tiles are computed again in f32", stacklevel=2
            )
            spare.append(exact())
        return spare[0](x)

    return checked
