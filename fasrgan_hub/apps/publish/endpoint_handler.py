"""Serves the model of this repository on Inference Endpoints: an image in, the enlarged image out.

`fasrgan push --endpoint` uploads this file as handler.py. It depends on the package fasrgan-hub and nothing beside it.
"""

import base64
import binascii
from functools import lru_cache
from io import BytesIO
from typing import Any

from PIL import Image

from fasrgan_hub import Upscaler

MEGAPIXELS = 16
"""Of the largest input."""
PARAMETERS = ("edges", "ensemble", "match_color", "scale")
"""Arguments of `Upscaler` that a request may give; `scale` is at most the model's."""
CONTRACT = "send an image: its bytes with a Content-Type such as image/png, or base64 under 'inputs' in JSON"


class EndpointHandler:
    """Enlarges images with the model in the folder `path`.

    Args:
        path: the repository's files.
    """

    def __init__(self, path: str = "."):
        self._upscaler = lru_cache(8)(lambda **options: Upscaler(path, **options))
        self._upscaler()  # a model that cannot be loaded must stop the endpoint at its start

    def __call__(self, data: dict[str, Any]) -> Image.Image:
        """The enlarged image. Endpoints send it as the request's Accept says: image/png, or base64 of PNG in JSON.

        Args:
            data: `inputs`, an image as a Pillow image, the bytes of a file or base64 of them; `parameters`, a
                dictionary with any of `PARAMETERS`.

        Raises ValueError, which endpoints answer as status 400, for what is no image and for other parameters.
        """
        options = data.get("parameters") or {}
        if not isinstance(options, dict) or not set(options) <= set(PARAMETERS):
            raise ValueError(f"'parameters' may hold {', '.join(PARAMETERS)}; got {options!r:.100}")
        image = _open(data.get("inputs"))
        try:
            upscaler = self._upscaler(**options)
        except TypeError as error:
            raise ValueError(f"'parameters' cannot be used: {error}") from error
        if upscaler.scale > upscaler.model_scale:
            raise ValueError(f"scale {upscaler.scale:g} is more than this model's, {upscaler.model_scale}")
        return upscaler(image)


def _open(inputs: Any) -> Image.Image:
    """The decoded image that `inputs` is."""
    if isinstance(inputs, Image.Image):
        return _check_size(inputs)
    if isinstance(inputs, str):
        try:
            inputs = base64.b64decode(inputs.partition("base64,")[2] or inputs, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"'inputs' is text, not an image; {CONTRACT}") from error
    if not isinstance(inputs, bytes | bytearray):
        raise ValueError(f"'inputs' is no image but {type(inputs).__name__}; {CONTRACT}")
    try:
        image = Image.open(BytesIO(inputs))
    except Exception as error:  # of any kind for a damaged file
        raise ValueError(f"'inputs' is no image that can be read; {CONTRACT}") from error
    _check_size(image)
    try:
        image.load()
    except Exception as error:
        raise ValueError(f"'inputs' is a damaged image; {CONTRACT}") from error
    return image


def _check_size(image: Image.Image) -> Image.Image:
    if image.width * image.height > MEGAPIXELS * 1e6:
        raise ValueError(f"{image.width}x{image.height} pixels are more than {MEGAPIXELS} megapixels")
    return image
