"""What writers of strips have in common: rows come in bands of any height, and go in strips of one height."""

from abc import ABC, abstractmethod

import numpy as np


class StripWriter(ABC):
    """Writes rows from top to bottom in strips; only the last may have fewer rows than the others.

    Args:
        rows: of a strip.
    """

    def __init__(self, rows: int):
        self.rows = rows
        self.rest: np.ndarray | None = None

    @abstractmethod
    def write_strip(self, strip: np.ndarray) -> None: ...

    def write(self, band: np.ndarray) -> None:
        """Write the next rows, (h, W, C). No reference to `band` is kept."""
        if self.rest is not None:
            missing = self.rows - len(self.rest)
            self.rest = np.concatenate((self.rest, band[:missing]))
            band = band[missing:]
            if len(self.rest) < self.rows:
                return
            self.write_strip(self.rest)
        whole = len(band) - len(band) % self.rows
        for top in range(0, whole, self.rows):
            self.write_strip(band[top : top + self.rows])
        self.rest = band[whole:].copy() if whole < len(band) else None

    def close(self) -> None:
        """Write the last rows and complete the file."""
        if self.rest is not None:
            self.write_strip(self.rest)
