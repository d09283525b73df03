"""The page of the demo, in Gradio."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ..web.gradio_compat import restrict_mcp_server, upload_folder
from ..web.server import launch as launch_page
from . import texts
from .endpoints import add_endpoints
from .image_batch import image_batch_tab
from .limits import Limits
from .service import Service
from .single_image import single_image_tab


def launch(limits: Limits | None = None, **options: Any) -> Any:
    """Start the page: what `gradio.Blocks.launch` returns. Host and port are Gradio's GRADIO_SERVER_NAME and _PORT.

    Args:
        limits: by default those of the environment, see `Limits`.
        options: of `gradio.Blocks.launch`.
    """
    limits = limits or Limits.from_environment()
    service = Service(limits, upload_folder())
    service.warm_up()
    page = build(service)
    page.queue(max_size=limits.queue, api_open=False)
    has_mcp = find_spec("mcp") is not None
    if has_mcp:
        restrict_mcp_server()
    settings: dict[str, Any] = {
        "max_file_size": int(limits.upload_mb * 1e6),
        "state_session_capacity": limits.sessions,
        "head": texts.HEAD,
        "footer_links": ["api"],
        "mcp_server": has_mcp,
    }
    agents = Route("/agents.md", lambda request: _markdown(texts.agents(limits, str(request.base_url))))
    return launch_page(
        page,
        service.jobs,
        routes=[agents],
        css=Path(__file__).with_name("page.css"),
        jobs_per_minute=limits.jobs_a_minute,
        upload_mb_per_minute=limits.upload_mb_a_minute,
        **settings | options,
    )


def _markdown(text: str) -> PlainTextResponse:
    return PlainTextResponse(text, media_type="text/markdown; charset=utf-8")


def build(service: Service) -> gr.Blocks:
    """The page, not yet started."""
    keep_seconds = max(1, int(service.limits.keep_minutes * 60))
    check_seconds = min(60, keep_seconds)
    with gr.Blocks(
        title=texts.TITLE, analytics_enabled=False, delete_cache=(check_seconds, keep_seconds)
    ) as page:
        gr.Markdown(texts.INTRODUCTION)
        with gr.Tab("One image"):
            single_image_tab(service)
        with gr.Tab("Several images"):
            image_batch_tab(service)
        with gr.Tab("About"):
            gr.Markdown(texts.about(service.limits))
        add_endpoints(service)
    return page
