"""The endpoints for programs."""

from typing import Any

import gradio as gr

from ...upscaling.maps import KINDS
from ...upscaling.model_choice import AUTO
from ...upscaling.tiles import MIRROR
from ..web.gradio_compat import image_input
from .events import PROGRESS, QUEUED, computing, make_report, parse_settings, session_of
from .model_cache import UpscaleSettings
from .service import Service

HIDDEN: dict[str, Any] = {"visible": False}
PUBLIC = QUEUED | {"api_visibility": "public"}


def add_endpoints(service: Service) -> None:
    """`/upscale`, `/map` and `/score_map`, for `gradio_client`, curl and, with gradio[mcp], as MCP tools."""
    image = image_input(label="image", **HIDDEN)
    model = gr.Textbox(UpscaleSettings.model, label="model", **HIDDEN)
    outputs = [gr.File(label="result", **HIDDEN), gr.JSON(label="facts", **HIDDEN)]
    _add_upscale(service, image, model, outputs)
    _add_map(service, image, model, outputs)
    _add_score_map(service, image, model, outputs)


def _add_upscale(service: Service, image: Any, model: Any, outputs: list[Any]) -> None:
    @computing
    def upscale(
        image, model=UpscaleSettings.model, fidelity=0.0, scale=4, match_color=False, format="png", denoise=1.0,
        edges=MIRROR, request: gr.Request | None = None, progress=PROGRESS,
    ):  # fmt: skip
        """Enlarge an image.

        Args:
            image: the image file, at most some megapixels.
            model: a bundled model (fasrgan-lite-x4, fasrgan-x4, ...), auto to choose by image, bicubic, nearest,
                or the Hub id of a FASRGAN model.
            fidelity: 0 looks most real, 1 invents least.
            scale: how many times wider and higher, 2 to 4.
            match_color: correct shifts of color that are larger than details.
            format: of the result: png, webp, tif, jpg, or "same as the input".
            denoise: 1 removes noise and JPEG artefacts, 0 keeps them; for models with a sibling for clean images.
            edges: what lies beyond the image: mirror, its reflection; wrap, its other side, for a texture that repeats.

        Returns:
            The enlarged image file, and facts: sizes, time, model, engine.
        """
        settings = parse_settings(model, fidelity, scale, match_color, denoise, edges)
        result = service.upscale(session_of(request), image, settings, format, None, make_report(progress))
        return str(result.download), result.facts

    options = [
        gr.Number(0, label="fidelity", **HIDDEN),
        gr.Number(4, label="scale", **HIDDEN),
        gr.Checkbox(False, label="match_color", **HIDDEN),
        gr.Textbox("png", label="format", **HIDDEN),
        gr.Number(1, label="denoise", **HIDDEN),
        gr.Textbox(MIRROR, label="edges", **HIDDEN),
    ]
    gr.Button(**HIDDEN).click(upscale, [image, model, *options], outputs, api_name="upscale", **PUBLIC)


def _add_map(service: Service, image: Any, model: Any, outputs: list[Any]) -> None:
    @computing
    def map(
        image, kind=KINDS[0], model=UpscaleSettings.model, fidelity=0.0, scale=4, denoise=1.0,
        edges=MIRROR, request: gr.Request | None = None, progress=PROGRESS,
    ):  # fmt: skip
        """Enlarge an image, and show how far the result can be trusted, pixel by pixel.

        Args:
            image: the small image file.
            kind: error, how many gray levels a pixel is likely off; generated, where it looks generated to the
                discriminator; or invented, how far it is from the result that invents least.
            model: as of upscale.
            fidelity: 0 looks most real, 1 invents least.
            scale: how many times wider and higher, 2 to 4.
            denoise: 1 removes noise and JPEG artefacts, 0 keeps them; for models with a sibling for clean images.
            edges: as of upscale.

        Returns:
            A page with the tinted result, the map and its scale, and facts: the map's mean and what it says.
        """
        settings = parse_settings(model, fidelity, scale, False, denoise, edges)
        drawn = service.map_of_image(session_of(request), image, settings, str(kind), make_report(progress))
        return str(drawn.sheet), drawn.facts

    options = [
        gr.Number(0, label="fidelity", **HIDDEN),
        gr.Number(4, label="scale", **HIDDEN),
        gr.Number(1, label="denoise", **HIDDEN),
        gr.Textbox(MIRROR, label="edges", **HIDDEN),
    ]
    kind = gr.Textbox(KINDS[0], label="kind", **HIDDEN)
    gr.Button(**HIDDEN).click(map, [image, kind, model, *options], outputs, api_name="map", **PUBLIC)


def _add_score_map(service: Service, image: Any, model: Any, outputs: list[Any]) -> None:
    @computing
    def score_map(image, model=UpscaleSettings.model, request: gr.Request | None = None, progress=PROGRESS):
        """Show where an image looks generated to the discriminator of a model.

        Args:
            image: the image file, scored as it is.
            model: whose discriminator scores it; the default model's if this one has none.

        Returns:
            The image, tinted red where it looks generated, and facts: the mean score, from 0 generated to 1
            photographed, the share of pixels that score below 0.5, and the model whose discriminator scored it.
        """
        megapixels = service.limits.megapixels
        name = str(model or "").strip()
        chosen = UpscaleSettings.model if name in ("", AUTO) else name
        result = service.score_map(session_of(request), image, chosen, megapixels, make_report(progress))
        return str(result.overlay), result.facts

    gr.Button(**HIDDEN).click(score_map, [image, model], outputs, api_name="score_map", **PUBLIC)
