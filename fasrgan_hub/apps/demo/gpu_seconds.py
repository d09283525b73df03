"""How many seconds of a GPU a job asks for on ZeroGPU hardware: the fewer, the earlier it starts.

These are upper bounds, not forecasts: a job that takes longer than it asked for is aborted. Most of the time is spent
on the CPU, for the comparison with bicubic and the files.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from ...errors import UserError
from ...hub.model_files import bundled_models, model_files
from ...images.reading import opened
from ...upscaling.engines import BASELINES
from .limits import Limits

START = 10.0
"""For attaching the GPU, loading the network and its first tile."""
DOWNLOAD = 15.0
"""For a model of the Hub."""
FILES = 0.8
"""Per megapixel of the result, for bicubic and the PNG files on one core (measured: 0.5)."""
NETWORK = 0.016
"""Per megapixel of the result and million parameters: 0.3 s for the paper's network, 36 TFLOP for 16 megapixels."""
LARGEST = 17.0
"""Million parameters of the largest network that the page accepts."""
RESULT_PIXELS = 16
"""Pixels that a network makes of one; a smaller scale shrinks them."""


def gpu_seconds(megapixels: float, model: str) -> int:
    """The seconds for results (or scored images) of so many megapixels with a model, named as visitors name it."""
    seconds = START + megapixels * (FILES + NETWORK * _million_parameters(model))
    if "/" in model:
        seconds += DOWNLOAD
    return math.ceil(min(seconds, Limits.from_environment().seconds))


def seconds_of(work: Callable[..., Any]) -> Callable[..., int]:
    """What `spaces.GPU` takes as `duration` for an event of the page: it gets the same arguments.

    The images are the arguments `image`, `files` and `result`; an event without `scale` scores its image as it is.
    """
    signature = inspect.signature(work)

    def duration(*args: Any, **kwargs: Any) -> int:
        arguments = signature.bind(*args, **kwargs).arguments
        factor = RESULT_PIXELS if "scale" in arguments else 1
        return gpu_seconds(factor * sum(_megapixels(arguments)), str(arguments.get("model", "")))

    return duration


def _megapixels(arguments: Mapping[str, Any]) -> Iterator[float]:
    """The size of each image of a call, from its header; none for a file that will be refused."""
    result = arguments.get("result")
    for source in (arguments.get("image"), *(arguments.get("files") or ()), result and result.after):
        with suppress(UserError):
            if source:
                with opened(source) as image:
                    yield image.width * image.height / 1e6


def _million_parameters(model: str) -> float:
    """At most so many: bundled weights may be float16, and a model of the Hub may have any size up to the largest."""
    if model in BASELINES:
        return 0.0
    names = [model] if model in bundled_models() else [] if "/" in model else bundled_models()
    return max((model_files(name).weights.stat().st_size / 2e6 for name in names), default=LARGEST)
