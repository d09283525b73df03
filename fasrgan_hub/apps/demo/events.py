"""What all events of the page have in common: checked inputs, errors as sentences, progress, one queue."""

import functools
import html
import inspect
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from ...errors import UserError
from ...upscaling.tiles import EDGES
from ..web.job_registry import JobStoppedError
from .gpu_seconds import seconds_of
from .model_cache import UpscaleSettings
from .service import ReportStep, public_message

try:
    # Gives a function the GPU of ZeroGPU hardware while it runs; elsewhere it does nothing.
    from spaces import GPU  # type: ignore[attr-defined]
except ImportError:

    def GPU(*, duration: Any) -> Any:  # noqa: N802
        return lambda work: work


logger = logging.getLogger(__name__)

SCALES = (2, 3, 4)
PROGRESS = gr.Progress()
"""As the default of an argument it makes Gradio pass the progress of the call."""
QUEUED: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "work", "api_visibility": "private"}
"""Options of events that compute: they all wait in one queue."""


def errors_as_sentences(work: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: whatever goes wrong is shown to the visitor as a sentence; tracebacks go to the log only."""

    @functools.wraps(work)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with _explained():
            return work(*args, **kwargs)

    @functools.wraps(work)
    def generator(*args: Any, **kwargs: Any) -> Any:
        with _explained():
            yield from work(*args, **kwargs)

    return generator if inspect.isgeneratorfunction(work) else wrapper


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
        return
    except JobStoppedError:
        raise gr.Error("Stopped.", duration=3, print_exception=False) from None
    except UserError as error:
        message = public_message(error)
    except MemoryError:
        message = "There is not enough memory for this image. Please try a smaller one."
    except Exception:
        logger.exception("the demo failed")
        message = "Something went wrong on the server. The error was logged; please try another image."
    raise gr.Error(html.escape(message, quote=False), print_exception=False) from None


def computing(work: Callable[..., Any]) -> Any:
    """Decorator of events that compute: `errors_as_sentences`, with ZeroGPU hardware for as long as images need."""
    return GPU(duration=seconds_of(work))(errors_as_sentences(work))


def session_of(request: gr.Request | None) -> str:
    return (request and request.session_hash) or ""


def parse_settings(
    model: Any, fidelity: Any, scale: Any, match_color: Any, denoise: Any, edges: Any
) -> UpscaleSettings:
    """The settings from the values of a request, which may be anything. UserError if they cannot be used."""
    try:
        fidelity, denoise, scale = round(float(fidelity), 1), round(float(denoise), 1), float(scale)
    except (TypeError, ValueError):
        raise UserError("fidelity, denoise and scale must be numbers") from None
    for name, value in (("fidelity", fidelity), ("denoise", denoise)):
        if not 0 <= value <= 1:
            raise UserError(f"{name} must lie between 0 and 1")
    if scale not in SCALES:
        raise UserError(f"scale must be one of {', '.join(map(str, SCALES))}")
    if edges not in EDGES:
        raise UserError(f"edges must be one of {', '.join(EDGES)}")
    return UpscaleSettings(str(model or "").strip(), fidelity, scale, bool(match_color), denoise, edges)


def make_report(progress: gr.Progress) -> ReportStep:
    """What a job calls to report its progress to the page."""
    return lambda done, total, description: progress((done, total), desc=description, unit="steps")
