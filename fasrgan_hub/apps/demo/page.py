"""The page, in Gradio; what it does is in `service`."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from ...errors import UserError
from ...hub.model_files import bundled_models
from . import texts, theme
from .endpoints import endpoints
from .events import GPU, PROGRESS, SCALES, WORK, checked, given, report, session, told, upload
from .limits import Limits
from .middleware import Guard
from .model_cache import Settings
from .service import Service
from .work import FORMATS, SAME, Outcome

EXAMPLES = Path(__file__).parent / "examples"


def launch(limits: Limits | None = None, **options: Any) -> Any:
    """Start the page: what `gradio.Blocks.launch` returns. Host and port are Gradio's GRADIO_SERVER_NAME and _PORT.

    Args:
        limits: default those of the environment, see `Limits`.
        options: of `gradio.Blocks.launch`.
    """
    limits = limits or Limits.from_environment()
    service = Service(limits, Path(get_upload_folder()))
    service.warm_up()
    page = build(service)
    page.queue(max_size=limits.queue, api_open=False)
    guard = Middleware(Guard, desk=service.desk, limits=limits)
    has_mcp = find_spec("mcp") is not None
    if has_mcp:
        from . import tools

        tools.use()
    settings: dict[str, Any] = {
        "app_kwargs": {"middleware": [guard]},
        "max_file_size": int(limits.upload_mb * 1e6),
        "state_session_capacity": limits.sessions,
        "theme": theme.theme(),
        "css": texts.CSS,
        "js": theme.JS,
        "head": texts.HEAD,
        "footer_links": ["api"],
        "mcp_server": has_mcp,
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "show_error": False,
    }
    return page.launch(**settings | options)


def build(service: Service) -> gr.Blocks:
    """The page, not yet started."""
    keep = max(1, int(service.limits.keep_minutes * 60))
    with gr.Blocks(title=texts.TITLE, analytics_enabled=False, delete_cache=(min(60, keep), keep)) as page:
        gr.Markdown(texts.INTRODUCTION)
        with gr.Tab("One image"):
            _one(service)
        with gr.Tab("Several images"):
            _several(service)
        with gr.Tab("About"):
            gr.Markdown(texts.about(service.limits))
        endpoints(service)
    return page


def _one(service: Service) -> None:
    outcome = gr.State(None, time_to_live=int(service.limits.keep_minutes * 60))
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            image = upload(label="Your image", height=300, alt_text="The image to enlarge")
            examples = sorted(EXAMPLES.glob("*.png"))
            gr.Examples(
                [[str(path)] for path in examples],
                image,
                label="Or pick an example",
                example_labels=[path.stem.replace("_", " ") for path in examples],
                api_visibility="private",
            )
            with gr.Row():
                start = gr.Button("Upscale", variant="primary", elem_id="upscale")
                stop = gr.Button("Stop", elem_id="stop")
            settings = _settings()
            with gr.Accordion("Score it against the true image", open=False):
                truth = upload(
                    label="The true image, of the result's size (optional)", height=180,
                    alt_text="The true image",
                )  # fmt: skip
        with gr.Column(scale=3, min_width=300):
            slider = gr.ImageSlider(
                label="Bicubic on the left, the result on the right", format="png", max_height=560,
                elem_id="result", interactive=False,
            )  # fmt: skip
            facts = gr.HTML(texts.table({}), elem_id="facts")
            download = gr.DownloadButton("Download the result", interactive=False, elem_id="download")
            with gr.Accordion("Look closer", open=False, elem_id="closer"):
                with gr.Row():
                    across = gr.Slider(0, 100, 50, step=1, label="From left to right (%)")
                    down = gr.Slider(0, 100, 50, step=1, label="From top to bottom (%)")
                    side = gr.Radio([64, 128, 256], value=128, label="Pixels a side")
                with gr.Row():
                    left = _shown("Bicubic", "A part of the image enlarged with bicubic")
                    right = _shown("Result", "The same part of the result")
            with gr.Accordion("Where does it look generated?", open=False, elem_id="scores"):
                gr.Markdown(texts.SCORE_MAP)
                judge = gr.Button("Draw the score map", elem_id="judge")
                with gr.Row():
                    overlay = _shown(
                        "Tinted where doubted", "The result, tinted where the score is below 0.5"
                    )
                    heat = _shown("Scores", "The score map in colors")
                with gr.Row():
                    legend = _shown("", "Color bar: red is taken for generated, untinted for photographed")
                    verdict = gr.HTML(texts.status(""), elem_id="verdict")

    place: list[Any] = [across, down, side]

    @GPU
    @told
    def upscale_one(
        image, truth, model, fidelity, scale, colors, ending, request: gr.Request, progress=PROGRESS
    ):
        settings = checked(model, fidelity, scale, colors)
        done = service.upscale(session(request), given(image), settings, ending, truth, report(progress))
        name = f"Download {done.result.name}"
        return (
            (str(done.before), str(done.after)),
            texts.table(done.facts),
            gr.DownloadButton(name, value=str(done.result), interactive=True),
            done,
        )

    @told
    def zoom(outcome: Outcome | None, across, down, side):
        if outcome is None:
            return None, None  # the sliders may be moved before there is anything to see
        return service.zoom(outcome, across / 100, down / 100, int(side))

    @GPU
    @told
    def judge_result(outcome: Outcome | None, model, request: gr.Request, progress=PROGRESS):
        if outcome is None:
            raise UserError("upscale an image first")
        most = 17 * service.limits.megapixels
        judged = service.score_map(session(request), outcome.after, model, most, report(progress))
        return (
            str(judged.overlay),
            str(judged.heat),
            str(judged.legend),
            texts.verdict(judged.score, judged.doubted, judged.judge),
        )

    outputs = [slider, facts, download, outcome]
    run = gr.on(
        [start.click], upscale_one, [image, truth, *settings], outputs,
        show_progress_on=slider, scroll_to_output=True, **WORK,
    )  # fmt: skip
    run.success(zoom, [outcome, *place], [left, right], show_progress="hidden", api_visibility="private")
    for control in place:
        control.change(
            zoom, [outcome, *place], [left, right], show_progress="hidden", api_visibility="private",
            trigger_mode="always_last",
        )  # fmt: skip
    map_run = judge.click(
        judge_result,
        [outcome, settings[0]],
        [overlay, heat, legend, verdict],
        show_progress_on=overlay,
        **WORK,
    )
    _stops(service, stop, [run, map_run])


def _several(service: Service) -> None:
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            files = gr.File(
                label=f"Up to {service.limits.files} images",
                file_count="multiple",
                file_types=["image"],
                height=220,
            )
            with gr.Row():
                start = gr.Button("Upscale all", variant="primary", elem_id="upscale-all")
                stop = gr.Button("Stop", elem_id="stop-all")
            settings = _settings()
        with gr.Column(scale=3, min_width=300):
            archive = gr.File(label="The results in one zip file", interactive=False, elem_id="archive")
            list_of_results = gr.HTML(texts.table({}), elem_id="list")

    @GPU
    @told
    def upscale_all(files, model, fidelity, scale, colors, ending, request: gr.Request, progress=PROGRESS):
        if not files:
            raise UserError("choose some images first")
        settings = checked(model, fidelity, scale, colors)
        packed, told_of = service.upscale_all(
            session(request), [Path(file) for file in files], settings, ending, report(progress)
        )
        return str(packed), texts.rows(told_of)

    run = start.click(
        upscale_all, [files, *settings], [archive, list_of_results], show_progress_on=archive, **WORK
    )
    _stops(service, stop, [run])


def _settings() -> list[Any]:
    with gr.Accordion("Settings", open=True):
        model = gr.Dropdown(
            [*bundled_models(), "bicubic"], value=Settings.model, allow_custom_value=True, label="Model",
            info="or type the Hub id of a FASRGAN model: owner/name",
        )  # fmt: skip
        fidelity = gr.Slider(0, 1, 0, step=0.1, label="Fidelity", info="0 looks most real, 1 invents least")
        scale = gr.Radio(list(SCALES), value=4, label="Scale", info="times wider and higher")
        colors = gr.Checkbox(False, label="Match colors", info="takes out slight color shifts")
        ending = gr.Dropdown(list(FORMATS), value=SAME, label="Format of the download")
    return [model, fidelity, scale, colors, ending]


def _shown(label: str, alt: str) -> gr.Image:
    return gr.Image(
        label=label or alt, show_label=bool(label), alt_text=alt, format="png", interactive=False,
        buttons=["fullscreen"] if label else [],
    )  # fmt: skip


def _stops(service: Service, button: gr.Button, runs: list[Any]) -> None:
    def stop(request: gr.Request) -> None:
        service.desk.stop(session(request))

    button.click(stop, None, None, queue=False, cancels=runs, api_visibility="private")
