"""The endpoints for programs."""

from typing import Any

import gradio as gr

from .events import GPU, PROGRESS, WORK, checked, given, report, session, told, upload
from .model_cache import Settings
from .service import Service


def endpoints(service: Service) -> None:
    """`/upscale` and `/score_map`, for `gradio_client`, curl and, where gradio[mcp] is installed, language models."""
    hidden: dict[str, Any] = {"visible": False}
    image = upload(label="image", **hidden)
    model = gr.Textbox(Settings.model, label="model", **hidden)
    fidelity = gr.Number(0, label="fidelity", **hidden)
    scale = gr.Number(4, label="scale", **hidden)
    colors = gr.Checkbox(False, label="match_color", **hidden)
    ending = gr.Textbox("png", label="format", **hidden)
    result = gr.File(label="result", **hidden)
    facts = gr.JSON(label="facts", **hidden)

    @GPU
    @told
    def upscale(
        image, model=Settings.model, fidelity=0.0, scale=4, match_color=False, format="png",
        request: gr.Request | None = None, progress=PROGRESS,
    ):  # fmt: skip
        """Enlarge an image.

        Args:
            image: the image file, at most some megapixels.
            model: a bundled model (fasrgan-lite-x4, fasrgan-lite-psnr-x4), bicubic, or the Hub id of a FASRGAN model.
            fidelity: 0 looks most real, 1 invents least.
            scale: how many times wider and higher, 2 to 4.
            match_color: take out shifts of color that are wider than details.
            format: of the result: png, webp, tif, jpg, or "as it came".

        Returns:
            The enlarged image file, and facts: sizes, time, model, engine.
        """
        settings = checked(model, fidelity, scale, match_color)
        done = service.upscale(session(request), given(image), settings, format, None, report(progress))
        return str(done.result), done.facts

    @GPU
    @told
    def score_map(image, model=Settings.model, request: gr.Request | None = None, progress=PROGRESS):
        """Tell where an image looks generated to the discriminator of a model.

        Args:
            image: the image file, judged as it is.
            model: whose discriminator judges; the default model's where it came without one.

        Returns:
            The image, tinted red where it is taken for generated, and facts: the mean score, from 0 generated to 1
            photographed, the share of pixels that score below 0.5, and the model whose discriminator judged.
        """
        most = service.limits.megapixels
        judged = service.score_map(session(request), given(image), model, most, report(progress))
        return str(judged.overlay), {"score": judged.score, "doubted": judged.doubted, "judge": judged.judge}

    options = [model, fidelity, scale, colors, ending]
    public = WORK | {"api_visibility": "public"}
    gr.Button(**hidden).click(upscale, [image, *options], [result, facts], api_name="upscale", **public)
    gr.Button(**hidden).click(score_map, [image, model], [result, facts], api_name="score_map", **public)
