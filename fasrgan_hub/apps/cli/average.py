"""`fasrgan average`: Average models."""

import math
from dataclasses import dataclass

from ...errors import UserError
from .options import argument, option


@dataclass
class Options:
    models: list[str] = argument("MODEL[=WEIGHT]", nargs="+")
    """bundled models, folders or Hub ids, with weights (default: 1 each; negative leads away from a model); the
    first gives card and discriminator"""
    output: str = option("DIR", "-o", default="average")
    """the new folder (default: average)"""
    half: bool = False
    """store float16, half the size"""


def run(options: Options) -> int:
    """Write the weighted mean of the weights of models that were fine-tuned from the same weights."""
    shares = dict(_parse(text) for text in options.models)
    if len(shares) < max(2, len(options.models)):
        raise UserError("a mean needs at least two models, each named once")
    from ...training.averaging import average_models

    average_models(shares, options.output, options.half)
    print(f"{options.output}: use it with 'fasrgan upscale IMAGE --model {options.output}'")
    return 0


def _parse(text: str) -> tuple[str, float]:
    """MODEL=0.5 -> (MODEL, 0.5). Raises UserError for a weight that is no number, zero or infinite."""
    name, separator, number = text.rpartition("=")
    if not separator:
        return text, 1.0
    try:
        weight = float(number)
    except ValueError:
        weight = 0.0
    if weight == 0 or not math.isfinite(weight):
        raise UserError(f"'{text}': the weight must be a number but zero, as in {name or 'MODEL'}=0.5")
    return name, weight
