"""Starts a page on a server that is protected against too many and unwanted requests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from .job_registry import JobRegistry
from .middleware import RequestFilter
from .theme import make_theme


def launch(
    page: gr.Blocks,
    jobs: JobRegistry,
    *,
    css: Path,
    routes: Sequence[BaseRoute] = (),
    jobs_per_minute: float,
    upload_mb_per_minute: float,
    **options: Any,
) -> Any:
    """Start a page: what `gradio.Blocks.launch` returns. Host and port are Gradio's GRADIO_SERVER_NAME and _PORT.

    Args:
        page: as built, with its queue configured.
        jobs: takes note of requests and listening clients.
        css: a file with the styles of this page alone.
        routes: addresses beside those of Gradio.
        jobs_per_minute, upload_mb_per_minute: what one visitor may use.
        options: of `gradio.Blocks.launch`.
    """
    request_filter = Middleware(
        RequestFilter, jobs=jobs, jobs_per_minute=jobs_per_minute, upload_mb_per_minute=upload_mb_per_minute
    )
    settings: dict[str, Any] = {
        "app_kwargs": {"middleware": [request_filter], "routes": list(routes)},
        "theme": make_theme(),
        "css_paths": [css, Path(__file__).with_name("gradio_fixes.css")],
        "js": Path(__file__).with_name("gradio_fixes.js").read_text(encoding="utf-8"),
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "show_error": False,
    }
    return page.launch(**settings | options)
