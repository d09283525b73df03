"""Which Upscaler enlarges an image of `fasrgan upscale`, and what its result line says about that."""

from collections.abc import Callable
from dataclasses import dataclass, field

from ...images.decoded import DecodedImage
from ...images.inspection import pixel_art_factor
from ...upscaling.model_choice import PIXEL_ART_HINT, choose_model
from ...upscaling.upscaler import Upscaler


@dataclass
class AutoUpscaler:
    """`--model auto`: an Upscaler by image. `open_model` makes that of a model's name, once for each."""

    open_model: Callable[[str], Upscaler]
    opened: dict[str, Upscaler] = field(default_factory=dict)

    def pick(self, image: DecodedImage) -> tuple[Upscaler, str]:
        """The Upscaler, and the model with the reason for it."""
        choice = choose_model(image)
        if choice.model not in self.opened:
            self.opened[choice.model] = self.open_model(choice.model)
        return self.opened[choice.model], str(choice)


@dataclass
class HintingUpscaler:
    """The default model for every image, with a hint for pixel art."""

    upscaler: Upscaler

    def pick(self, image: DecodedImage) -> tuple[Upscaler, str]:
        """The Upscaler, and the hint if it applies."""
        return self.upscaler, PIXEL_ART_HINT if pixel_art_factor(image.pixels) else ""
