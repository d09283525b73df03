"""What a visitor may ask for."""

import os
from dataclasses import dataclass
from typing import Any

from ...errors import UserError

VARIABLE = "FASRGAN_DEMO_{}"


@dataclass(frozen=True)
class Limits:
    """Each can be set in the environment: FASRGAN_DEMO_MEGAPIXELS=4, say."""

    megapixels: float = 2.0
    """Of one image that comes in, read from its header before it is decoded."""
    upload_mb: float = 20.0
    """Of one file."""
    files: int = 12
    """In one batch."""
    seconds: float = 120.0
    """That one job may compute."""
    queue: int = 24
    """Jobs that may wait."""
    jobs_a_minute: float = 20.0
    """Of one visitor, told by address; short bursts may be as large as this."""
    upload_mb_a_minute: float = 100.0
    """Of one visitor."""
    model_mb: float = 200.0
    """Of a model's weights that are fetched from the Hub."""
    sessions: int = 200
    """Visitors whose last result is remembered; Gradio keeps some 150 kB for each, also for every call of a program."""
    keep_minutes: float = 30.0
    """After which uploads and results are deleted."""

    @classmethod
    def from_environment(cls) -> "Limits":
        """The defaults, changed by the environment; UserError for what is no number above 0."""
        changed: dict[str, Any] = {}
        for name, default in vars(cls()).items():
            text = os.environ.get(VARIABLE.format(name.upper()), "")
            if text:
                changed[name] = _number(text, VARIABLE.format(name.upper()), type(default))
        return cls(**changed)


def _number(text: str, variable: str, kind: type) -> float:
    try:
        number = kind(text)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise UserError(f"{variable} is '{text}'; it must be a number above 0")
    return number
