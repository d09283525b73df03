"""What every event of the page has in common: what comes in is checked, what goes wrong is told in a sentence."""

import functools
import html
import logging
from abc import ABCMeta
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from ...errors import UserError
from .model_cache import Settings
from .rate_limits import StoppedError
from .service import Report, plain

try:
    # Gives a function the GPU of ZeroGPU hardware while it runs; elsewhere it does nothing.
    from spaces import GPU  # type: ignore[attr-defined]
except ImportError:

    def GPU(work: Any) -> Any:  # noqa: N802
        return work


logger = logging.getLogger(__name__)

SCALES = (2, 3, 4)
PROGRESS = gr.Progress()
"""Gradio finds out by it that a function tells its progress, and hands in another."""
WORK: dict[str, Any] = {"concurrency_limit": 1, "concurrency_id": "work", "api_visibility": "private"}
"""Whatever computes waits in one line."""


def path_of(_: Any, payload: Any) -> Path | None:
    """The file that a visitor has sent, unopened."""
    return Path(payload.path) if payload is not None and payload.path else None


# A gr.Image that gives the path of the file just as it came: Gradio would open it before anybody can say that it is no
# image, or too large. Not made with `class`, at which Gradio writes a .pyi file beside this one.
DecodedImage: Any = ABCMeta.__new__(
    type(gr.Image), "DecodedImage", (gr.Image,), {"is_template": True, "preprocess": path_of}
)


def upload(**options: Any) -> gr.Image:
    """A place for an image that comes in."""
    sources = ["upload", "clipboard"]
    return DecodedImage(
        type="filepath", image_mode=None, format="png", sources=sources, buttons=[], **options
    )


def told(work: Callable[..., Any]) -> Callable[..., Any]:
    """Tell whatever goes wrong in a sentence; traces go to the log and nowhere else."""

    @functools.wraps(work)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return work(*args, **kwargs)
        except StoppedError:
            raise gr.Error("Stopped.", duration=3, print_exception=False) from None
        except UserError as error:
            message = plain(error)
        except MemoryError:
            message = "There is not enough memory for this image. Please try a smaller one."
        except Exception:
            logger.exception("the demo failed")
            message = "Something went wrong here. It has been noted; please try another image."
        raise gr.Error(html.escape(message, quote=False), print_exception=False) from None

    return wrapper


def session(request: gr.Request | None) -> str:
    return (request and request.session_hash) or ""


def given(image: Path | None) -> Path:
    if image is None:
        raise UserError("choose an image first")
    return image


def checked(model: Any, fidelity: Any, scale: Any, colors: Any) -> Settings:
    """Settings out of what anybody may send."""
    try:
        fidelity, scale = round(float(fidelity), 1), float(scale)
    except (TypeError, ValueError):
        raise UserError("fidelity and scale must be numbers") from None
    if not 0 <= fidelity <= 1:
        raise UserError("fidelity must lie between 0 and 1")
    if scale not in SCALES:
        raise UserError(f"scale must be one of {', '.join(map(str, SCALES))}")
    return Settings(str(model or "").strip(), fidelity, scale, bool(colors))


def report(progress: gr.Progress) -> Report:
    return lambda done, total, what: progress((done, total), desc=what, unit="steps")
