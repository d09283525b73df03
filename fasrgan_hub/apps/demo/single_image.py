"""The tab for one image: upscale it, compare, download, magnify a part, and draw maps of it."""

from pathlib import Path
from typing import Any

import gradio as gr

from ...errors import UserError
from ...upscaling.maps import KINDS
from ..web.gradio_compat import image_input
from . import texts
from .controls import connect_stop, scroll_to, settings_controls, start_and_stop
from .events import PROGRESS, QUEUED, computing, errors_as_sentences, make_report, parse_settings, session_of
from .processing import UpscaleResult
from .service import Service, public_message

EXAMPLES = Path(__file__).parent / "examples"
QUICK: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Options of events that only draw a part of a result."""


def single_image_tab(service: Service) -> None:
    result = gr.State(None, time_to_live=int(service.limits.keep_minutes * 60))
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            image = _input_with_examples(service)
            start, stop = start_and_stop("Upscale")
            settings = settings_controls()
            with gr.Accordion("Score it against the true image", open=False):
                truth = image_input(
                    label="The true image, of the result's size (optional)", height=180,
                    alt_text="The true image",
                )  # fmt: skip
        with gr.Column(scale=3, min_width=300):
            comparison = _comparison()
            position, parts = _magnifier()
            kind, draw, drawn = _maps()
    upscaling = _connect_start(service, start, [image, truth, *settings], [*comparison, result])
    _connect_magnifier(service, upscaling, result, position, parts)
    drawing = _connect_draw(service, draw, [result, kind], drawn)
    connect_stop(service, stop, [upscaling, drawing])


def _input_with_examples(service: Service) -> Any:
    """The image, a hint where it cannot be enlarged here, and examples."""
    image = image_input(label="Your image", height=300, alt_text="The image to enlarge")
    hint = gr.HTML(texts.status(""), elem_id="hint")
    examples = [[str(path)] for path in sorted(EXAMPLES.glob("*.png"))]
    gr.Examples(examples, image, label="Or choose an example", elem_id="examples", api_visibility="private")

    def check(image: Path | None) -> str:
        try:
            if image:
                service.check_size(image)
        except UserError as error:
            return texts.hint(public_message(error))
        return texts.status("")

    image.change(check, image, hint, queue=False, **QUICK)
    return image


def _comparison() -> list[Any]:
    """The two images under a slider, the table of facts and the download."""
    slider = gr.ImageSlider(
        label="Left: bicubic, right: the result", format="png", max_height=560,
        elem_id="result", interactive=False,
    )  # fmt: skip
    facts = gr.HTML(texts.table([]), elem_id="facts")
    download = gr.DownloadButton("Download the result", interactive=False, elem_id="download")
    return [slider, facts, download]


def _magnifier() -> tuple[list[Any], list[Any]]:
    """The controls for the position of a part, and its two images."""
    with gr.Accordion("Magnify a part", open=False, elem_id="magnifier"):
        with gr.Row():
            across = gr.Slider(0, 100, 50, step=1, label="From left to right (%)")
            down = gr.Slider(0, 100, 50, step=1, label="From top to bottom (%)")
            side = gr.Radio([64, 128, 256], value=128, label="Pixels per side")
        with gr.Row():
            before = _output_image("Bicubic", "A part of the image enlarged with bicubic")
            after = _output_image("Result", "The same part of the result")
    return [across, down, side], [before, after]


def _maps() -> tuple[gr.Radio, gr.Button, list[Any]]:
    """The choice of a map, the button that draws it, and what that fills."""
    with gr.Accordion("How far can it be trusted?", open=False, elem_id="maps"):
        choices = [(texts.MAPS[kind][0], kind) for kind in KINDS]
        kind = gr.Radio(choices, value=KINDS[0], label="Map", info=texts.MAPS_INFO)
        draw = gr.Button("Draw the map", elem_id="draw-map")
        summary = gr.HTML(texts.status(""), elem_id="map-summary")
        legend = _output_image("", "The scale of the map")
        with gr.Row():
            overlay = _output_image("Red where the map warns", "The result, tinted red where the map warns")
            heat_map = _output_image("The map", "The map in colors")
    return kind, draw, [overlay, heat_map, legend, summary]


def _output_image(label: str, alt: str) -> gr.Image:
    return gr.Image(
        label=label or alt, show_label=bool(label), alt_text=alt, format="png", interactive=False,
        buttons=["fullscreen"] if label else [],
    )  # fmt: skip


def _connect_start(service: Service, start: gr.Button, inputs: list[Any], outputs: list[Any]) -> Any:
    # Gradio names the event after the function, and the name `upscale` is the endpoint's.
    @computing
    def upscale_image(
        image,
        truth,
        model,
        fidelity,
        denoise,
        scale,
        match_color,
        edges,
        file_format,
        request: gr.Request,
        progress=PROGRESS,
    ):
        settings = parse_settings(model, fidelity, scale, match_color, denoise, edges)
        result = service.upscale(
            session_of(request), image, settings, file_format, truth, make_report(progress)
        )
        name = f"Download {result.download.name}"
        return (
            (str(result.before), str(result.after)),
            texts.table(list(result.facts.items())),
            gr.DownloadButton(name, value=str(result.download), interactive=True),
            result,
        )

    scroll_to(start, "result")
    return start.click(upscale_image, inputs, outputs, show_progress_on=outputs[0], **QUEUED)


def _connect_magnifier(
    service: Service, upscaling: Any, result: gr.State, position: list[Any], parts: list[Any]
) -> None:
    """Draw the part anew after an image was upscaled and whenever its position changes."""

    @errors_as_sentences
    def magnify(result: UpscaleResult | None, across, down, side):
        if result is None:
            return None, None  # the position may change before there is a result
        return service.magnified_parts(result, across / 100, down / 100, int(side))

    upscaling.success(magnify, [result, *position], parts, **QUICK)
    for control in position:
        control.change(magnify, [result, *position], parts, trigger_mode="always_last", **QUICK)


def _connect_draw(service: Service, draw: gr.Button, inputs: list[Any], outputs: list[Any]) -> Any:
    @computing
    def draw_map(result: UpscaleResult | None, kind, request: gr.Request, progress=PROGRESS):
        if result is None:
            raise UserError("upscale an image first")
        drawn = service.map_of_result(session_of(request), result, kind, make_report(progress))
        summary = texts.sentence(drawn.facts["sentence"])
        return str(drawn.overlay), str(drawn.heat_map), str(drawn.legend), summary

    return draw.click(draw_map, inputs, outputs, show_progress_on=outputs[0], **QUEUED)
