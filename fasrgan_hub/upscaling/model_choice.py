"""`auto`: which model suits an image, and why."""

from dataclasses import dataclass

from ..errors import UserError
from ..hub.model_files import DEFAULT_MODEL, model_files
from ..images.decoded import DecodedImage
from ..images.inspection import Inspection, inspect
from .engines import NEAREST
from .siblings import sibling

AUTO = "auto"
"""The name that stands for a choice by image."""
NOISE = 3.0
"""Gray levels: most images without noise seem to have less (`Inspection.noise`)."""
BLOCKINESS = 0.15
"""Most images that were no JPEG have less (`Inspection.blockiness`)."""
SHARPNESS = 1.05
"""Most images with blur, noise and compression have less (`Inspection.sharpness`); to take one of them for clean is a
larger mistake than the reverse."""
LIMITS = NOISE, BLOCKINESS, SHARPNESS
PIXEL_ART_HINT = f"looks like pixel art, which --model {NEAREST} keeps sharp"


@dataclass(frozen=True)
class ModelChoice:
    """A model's name, or "nearest", and why it was chosen."""

    model: str
    reason: str

    def __str__(self) -> str:
        return f"{self.model}: {self.reason}"


def choose_model(image: DecodedImage, default: str = DEFAULT_MODEL) -> ModelChoice:
    """The model that suits an image.

    Pixel art gets nearest; a sharp image without noise or loss the sibling of `default` for clean images, if it has
    one; any other `default`.
    """
    facts = inspect(image)
    if facts.pixel_art:
        enlarged = f", enlarged {facts.pixel_art} times" if facts.pixel_art > 1 else ""
        return ModelChoice(NEAREST, f"pixel art{enlarged}")
    damage = _damage(facts)
    return ModelChoice(default, damage) if damage else ModelChoice(_for_clean_images(default), "clean")


def choices(default: str = DEFAULT_MODEL) -> tuple[str, ...]:
    """The names of the models of which `choose_model` takes one, "nearest" besides."""
    return (default, _for_clean_images(default))


def _damage(facts: Inspection) -> str:
    """What is wrong with an image, in words; empty for a clean one."""
    if facts.quality is not None:
        return f"JPEG quality about {facts.quality}"
    if facts.codec:
        return f"compressed as {facts.codec}"
    if facts.blockiness > BLOCKINESS:
        return "blocks of a JPEG"
    if facts.noise > NOISE:
        return f"noise of about {facts.noise:.0f} levels"
    return "soft" if facts.sharpness < SHARPNESS else ""


def _for_clean_images(model: str) -> str:
    try:
        return sibling(model_files(model), "denoise").name
    except UserError:
        return model
