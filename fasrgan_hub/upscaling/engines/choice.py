"""Which runtime computes, in which precision and where."""

from dataclasses import dataclass

import torch

from ...errors import UserError

ENGINES = ("torch",)
PRECISIONS = ("f32", "f16", "bf16", "int8")


@dataclass(frozen=True)
class Choice:
    """A runtime, a precision and a torch device; its text is what `Upscaler.engine_name` says."""

    engine: str
    precision: str
    device: str = "cpu"

    def __str__(self) -> str:
        place = "" if self.device == "cpu" else f" on {self.device}"
        return f"{self.engine} {self.precision}{place}"


def choose(
    engine: str = "auto", precision: str | None = None, device: str | torch.device | None = None
) -> Choice:
    """The choice that a user's wishes leave; "auto" and None leave it to this function."""
    if engine not in ("auto", *ENGINES):
        raise UserError(f"there is no engine '{engine}'; there are auto, {', '.join(ENGINES)}")
    if precision not in (None, "f32", "f16", "bf16"):
        raise UserError(f"precision '{precision}' is not supported; use f32 or bf16")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    return Choice("torch", precision or "f32", str(device))
