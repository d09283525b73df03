"""The tab for several images, whose results come in one zip file."""

from pathlib import Path
from typing import Any

import gradio as gr

from ...errors import UserError
from . import texts
from .controls import connect_stop, scroll_to, settings_controls, start_and_stop
from .events import PROGRESS, QUEUED, computing, make_report, parse_settings, session_of
from .service import Service


def image_batch_tab(service: Service) -> None:
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            files = gr.File(
                label=f"Up to {service.limits.files} images",
                file_count="multiple",
                file_types=["image"],
                height=220,
            )
            start, stop = start_and_stop("Upscale all", "-all")
            settings = settings_controls()
        with gr.Column(scale=3, min_width=300):
            archive = gr.File(label="The results in one zip file", interactive=False, elem_id="archive")
            result_list = gr.HTML(texts.table([]), elem_id="list")
    event = _connect_start(service, start, [files, *settings], [archive, result_list])
    connect_stop(service, stop, [event])


def _connect_start(service: Service, start: gr.Button, inputs: list[Any], outputs: list[Any]) -> Any:
    @computing
    def upscale_all(
        files,
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
        if not files:
            raise UserError("choose some images first")
        settings = parse_settings(model, fidelity, scale, match_color, denoise, edges)
        for archive, lines in service.upscale_all(
            session_of(request), [Path(file) for file in files], settings, file_format, make_report(progress)
        ):
            yield archive and str(archive), texts.table(lines)

    scroll_to(start, "archive")
    return start.click(upscale_all, inputs, outputs, show_progress_on=outputs[0], **QUEUED)
