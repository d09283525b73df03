"""Ma's score and the perceptual index of Section IV-A, through the optional package pyiqa.

Ma et al., "Learning a no-reference quality metric for single-image super-resolution", 2017: random forests that
only pyiqa carries in Python (its `nrqm`). pyiqa has a license for non-commercial use and many dependencies:
nothing here requires it; without it a table says so and shows NIQE alone.
"""

import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from ..errors import FailedError, MissingPackageError, UserError
from .lpips import as_tensor
from .pixels import rgb8


class Ma:
    """Ma's score, 0 to 10; higher is better. 3 GB and minutes on a CPU for 512 x 512 pixels, growing with their number.

    Of Y of YCbCr, as the perceptual index was defined; pyiqa's own default is another luma.
    Raises UserError if pyiqa or its parameters are missing.
    """

    def __init__(self, device: str | None = None) -> None:
        self.device = torch.device(device or "cpu")
        self.forests = _nrqm(self.device)

    @torch.inference_mode()
    def score(self, sr: np.ndarray, hr: np.ndarray | None = None) -> float:
        """Of H x W x 3 uint8, no border shaved; `hr` is not used."""
        return float(self.forests(as_tensor(rgb8(sr), self.device)))


def why_no_ma() -> str:
    """Why Ma's score cannot be computed here; "" if it can."""
    try:
        Ma()
    except UserError as error:
        return str(error)
    return ""


def perceptual_index(ma: float, niqe: float) -> float:
    """PI = ((10 - Ma) + NIQE) / 2; lower is better."""
    return ((10 - ma) + niqe) / 2


def _nrqm(device: torch.device) -> Any:
    if find_spec("pyiqa") is None:
        raise MissingPackageError(
            "Ma's score and PI need pyiqa: pip install 'fasrgan-hub[pi]' (non-commercial license)"
        )
    try:
        import pyiqa

        with redirect_stdout(sys.stderr):  # where its download belongs
            return pyiqa.create_metric("nrqm", device=device, color_space="ycbcr")
    except Exception as error:  # imports of half a hundred packages, and a download
        raise FailedError(f"pyiqa cannot make Ma's score: {' '.join(str(error).split())}") from error
