"""The tab for one image: upscale it, compare, download, magnify a part, and draw the score map."""

from pathlib import Path
from typing import Any

import gradio as gr

from ...errors import UserError
from ..web.gradio_compat import image_input
from . import texts
from .controls import connect_stop, scroll_to, settings_controls, start_and_stop
from .events import PROGRESS, QUEUED, computing, errors_as_sentences, make_report, parse_settings, session_of
from .processing import UpscaleResult
from .service import Service

EXAMPLES = Path(__file__).parent / "examples"
QUICK: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Options of events that only draw a part of a result."""


def single_image_tab(service: Service) -> None:
    result = gr.State(None, time_to_live=int(service.limits.keep_minutes * 60))
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            image = _input_with_examples()
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
            draw, score_map = _score_map()
    upscaling = _connect_start(service, start, [image, truth, *settings], [*comparison, result])
    _connect_magnifier(service, upscaling, result, position, parts)
    scoring = _connect_draw(service, draw, [result, settings[0]], score_map)
    connect_stop(service, stop, [upscaling, scoring])


def _input_with_examples() -> Any:
    image = image_input(label="Your image", height=300, alt_text="The image to enlarge")
    examples = sorted(EXAMPLES.glob("*.png"))
    gr.Examples(
        [[str(path)] for path in examples],
        image,
        label="Or choose an example",
        example_labels=[path.stem.replace("_", " ") for path in examples],
        api_visibility="private",
    )
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


def _score_map() -> tuple[gr.Button, list[Any]]:
    """The button that draws the score map, and what it fills."""
    with gr.Accordion("Where does it look generated?", open=False, elem_id="scores"):
        gr.Markdown(texts.SCORE_MAP)
        draw = gr.Button("Draw the score map", elem_id="draw-score-map")
        with gr.Row():
            overlay = _output_image("Scores below 0.5", "The result, tinted where the score is below 0.5")
            heat_map = _output_image("All scores", "The score map in colors")
        with gr.Row():
            with gr.Column(min_width=240):
                legend = _output_image("", "Color bar: red means generated, no tint means photographed")
            with gr.Column(min_width=240):
                summary = gr.HTML(texts.status(""), elem_id="score-summary")
    return draw, [overlay, heat_map, legend, summary]


def _output_image(label: str, alt: str) -> gr.Image:
    return gr.Image(
        label=label or alt, show_label=bool(label), alt_text=alt, format="png", interactive=False,
        buttons=["fullscreen"] if label else [],
    )  # fmt: skip


def _connect_start(service: Service, start: gr.Button, inputs: list[Any], outputs: list[Any]) -> Any:
    # Gradio names the event after the function, and the name `upscale` is the endpoint's.
    @computing
    def upscale_image(
        image, truth, model, fidelity, scale, match_color, file_format, request: gr.Request, progress=PROGRESS
    ):
        settings = parse_settings(model, fidelity, scale, match_color)
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
    def draw_score_map(result: UpscaleResult | None, model, request: gr.Request, progress=PROGRESS):
        if result is None:
            raise UserError("upscale an image first")
        megapixels = (
            17 * service.limits.megapixels
        )  # a result has 16 times the pixels of the input, and rounding
        drawn = service.score_map(session_of(request), result.after, model, megapixels, make_report(progress))
        return str(drawn.overlay), str(drawn.heat_map), str(drawn.legend), texts.score_summary(drawn.facts)

    return draw.click(draw_score_map, inputs, outputs, show_progress_on=outputs[0], **QUEUED)
