"""Controls that the tabs for one image and for several images share."""

from typing import Any

import gradio as gr

from ...hub.model_files import bundled_models, model_files
from ...upscaling.engines import BASELINES
from ...upscaling.model_choice import AUTO
from ...upscaling.siblings import sibling_name
from ...upscaling.tiles import MIRROR, WRAP
from .events import SCALES, session_of
from .model_cache import UpscaleSettings
from .processing import FORMATS, SAME_FORMAT
from .service import Service


def start_and_stop(label: str, suffix: str = "") -> tuple[gr.Button, gr.Button]:
    """The two buttons side by side."""
    with gr.Row():
        start = gr.Button(label, variant="primary", elem_id=f"upscale{suffix}")
        stop = gr.Button("Stop", elem_id=f"stop{suffix}")
    return start, stop


def settings_controls() -> list[Any]:
    """Model, fidelity, denoise, scale, color matching, edges, and the format of the result."""
    with gr.Accordion("Settings", open=True):
        model = gr.Dropdown(
            [("automatic: by image", AUTO), *bundled_models(), *BASELINES], value=UpscaleSettings.model,
            allow_custom_value=True, label="Model", info="or type the Hub id of a FASRGAN model: owner/name",
        )  # fmt: skip
        fidelity = gr.Slider(
            0, 1, 0, step=0.1, label="Fidelity", info="0: most realistic detail; 1: least invented detail"
        )
        denoise = gr.Slider(
            0, 1, 1, step=0.1, label="Denoise", info="1: remove noise and JPEG artefacts; 0: keep them",
            visible=_has_sibling(UpscaleSettings.model, "denoise"),
        )  # fmt: skip
        scale = gr.Radio(list(SCALES), value=4, label="Scale", info="times wider and higher")
        match_color = gr.Checkbox(False, label="Match colors", info="correct slight color shifts")
        edges = gr.Radio(
            [("mirrored", MIRROR), ("seamless texture", WRAP)], value=MIRROR, label="Edges",
            info="beyond a seamless texture lies its other side, so that it still repeats afterwards",
        )  # fmt: skip
        file_format = gr.Dropdown(list(FORMATS), value=SAME_FORMAT, label="Format of the download")
    model.change(
        _suit_model, [model, scale], [fidelity, denoise, scale], queue=False, show_progress="hidden",
        api_visibility="private",
    )  # fmt: skip
    return [model, fidelity, denoise, scale, match_color, edges, file_format]


def _suit_model(model: str, scale: int) -> tuple[Any, Any, Any]:
    """Fidelity and denoise for models with siblings, which those of the Hub may have; at most the model's factor."""
    fidelity = _has_sibling(UpscaleSettings.model if model == AUTO else model, "fidelity")
    denoise = _has_sibling(model, "denoise")
    return (
        gr.update(visible=True) if fidelity else gr.update(visible=False, value=0),
        gr.update(visible=True) if denoise else gr.update(visible=False, value=1),
        min(scale, model_files(model).scale) if model in bundled_models() else scale,
    )


def _has_sibling(model: str, axis: str) -> bool:
    if model not in bundled_models():
        return "/" in str(model)
    return sibling_name(model_files(model), axis) in bundled_models()


def scroll_to(button: gr.Button, elem_id: str) -> None:
    """Let a click show the place of the result, where the progress is drawn: on a phone it is far below."""
    script = (
        f"() => document.getElementById('{elem_id}').scrollIntoView({{behavior: 'smooth', block: 'nearest'}})"
    )
    button.click(None, None, None, js=script, api_visibility="private")


def connect_stop(service: Service, button: gr.Button, events: list[Any]) -> None:
    """Let a button stop the jobs of its visitor that `events` started."""

    def stop(request: gr.Request) -> None:
        service.jobs.stop(session_of(request))

    button.click(stop, None, None, queue=False, cancels=events, api_visibility="private")
