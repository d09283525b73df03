"""The limits for visitors of the demo."""

import os
from dataclasses import dataclass
from typing import Any

from ...errors import UserError


@dataclass(frozen=True)
class Limits:
    """Each limit can be set in the environment, for example FASRGAN_DEMO_MEGAPIXELS=4."""

    megapixels: float = 2.0
    """Of one input image, read from its header before it is decoded."""
    upload_mb: float = 20.0
    """Of one file."""
    files: int = 12
    """In one batch."""
    seconds: float = 120.0
    """Of computation for one job."""
    queue: int = 24
    """Jobs that may wait."""
    jobs_a_minute: float = 20.0
    """Of one visitor, who is known by address; that many may also come at once."""
    upload_mb_a_minute: float = 100.0
    """Of one visitor."""
    model_mb: float = 200.0
    """Of the weights of a model that is downloaded from the Hub."""
    sessions: int = 200
    """Sessions whose last result is kept. Gradio takes about 150 kB for each, and each call of a program is one."""
    keep_minutes: float = 30.0
    """After which uploads and results are deleted."""

    @classmethod
    def from_environment(cls) -> "Limits":
        """The defaults, overridden by the environment. UserError for a value that is not a number above 0."""
        values: dict[str, Any] = {}
        for name, default in vars(cls()).items():
            variable = f"FASRGAN_DEMO_{name.upper()}"
            if text := os.environ.get(variable, ""):
                values[name] = _parse(text, variable, type(default))
        return cls(**values)


def _parse(text: str, variable: str, kind: type) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise UserError(f"{variable} is '{text}'; it must be a number above 0")
    return number
