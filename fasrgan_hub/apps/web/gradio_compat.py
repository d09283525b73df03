"""Everything that depends on the internals of Gradio, in one place. Written for Gradio 6.31; check it at every update.

Styles and a script are in gradio_fixes.css and .js. `tests/spaces` exercises each part on a running page. Gradio is
imported inside the functions, because the middleware needs the routes alone.
"""

import re
from abc import ABCMeta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

# Routes of `gradio/routes.py` that these pages never use. Some fetch any address that a visitor names ("proxy=",
# "file=https:"), the others change the page or read files. Gradio cannot switch them off.
BLOCKED_ROUTES = re.compile(
    r"/gradio_api/(proxy=|file[=/]\s*[a-z]+:|component_server|process_recording|deep_link|stream/|dev/|vibe|undo-vibe)",
    re.IGNORECASE,
)
# Routes that put a job into the queue, upload a file or talk to the MCP server.
JOB_ROUTES = re.compile(r"/gradio_api/(queue/join|(call|run|api)(/v2)?/[^/]+)/?$")
UPLOAD_ROUTE = re.compile(r"/gradio_api/upload/?$")
MCP_ROUTES = re.compile(r"/gradio_api/mcp")
# Routes that a client keeps open to receive results: by session (the page, gradio_client) or by event (curl).
_RESULT_ROUTES = re.compile(r"/gradio_api/(?:queue/data|call(?:/v2)?/[^/]+/(\w+))/?$")
# The reply to a job request without a session names the event, under which Gradio then runs the job.
_EVENT_ID = re.compile(rb'"event_id": ?"(\w+)"')
_UPLOADED_FILE = re.compile(r"https?://[^?#]+/gradio_api/file=([^?#]+)")


def listening_session(path: str, query: bytes) -> str | None:
    """The session or event whose results a GET request waits for; None for any other request."""
    match = _RESULT_ROUTES.search(path)
    if match is None:
        return None
    return match[1] or parse_qs(query.decode("latin-1")).get("session_hash", [""])[0]


def event_id(reply: bytes) -> str | None:
    """The event that a job request without a session became, from the reply."""
    match = _EVENT_ID.search(reply)
    return match[1].decode() if match else None


def upload_folder() -> Path:
    """Where Gradio stores uploads and from where it may serve files. It has no public name."""
    from gradio.utils import get_upload_folder

    return Path(get_upload_folder())


def image_input(**options: Any) -> Any:
    """A gr.Image whose value is the path of the uploaded file, unopened and unchanged, or None.

    Gradio's own opens the file, before the limits on its size can be checked, and may encode it again.
    """
    return _image_input_class()(
        type="filepath", image_mode=None, format="png", sources=["upload", "clipboard"], buttons=[], **options
    )


@cache
def _image_input_class() -> Any:
    import gradio

    def preprocess(_: Any, payload: Any) -> Path | None:
        return Path(payload.path) if payload is not None and payload.path else None

    # The metaclass of Gradio's components writes a .pyi file beside the module of every subclass. This avoids it.
    namespace = {"is_template": True, "preprocess": preprocess}
    return ABCMeta.__new__(type(gradio.Image), "UploadedImage", (gradio.Image,), namespace)


def restrict_mcp_server() -> None:
    """Let the MCP server take images that were uploaded here, or that come as data: URLs, and fetch none."""
    import gradio.mcp

    class RestrictedMCPServer(gradio.mcp.GradioMCPServer):
        def convert_strings_to_filedata(self, value: Any, filedata_positions: list[list[str | int]]) -> Any:
            files = {name: _uploaded_file(value[name]) for (name,) in filedata_positions if name in value}
            return super().convert_strings_to_filedata(value | files, filedata_positions)

        async def _execute_tool_without_progress(self, job: Any) -> list[Any]:
            # Gradio passes several results on as one, and then does not recognize the image among them.
            results = await super()._execute_tool_without_progress(job)
            return list(results[0]) if len(results) == 1 else results

    # `Blocks.launch` has no option for the class of the server.
    vars(gradio.mcp)["GradioMCPServer"] = RestrictedMCPServer


def _uploaded_file(image: Any) -> Any:
    """The file that the address of an upload stands for; data: URLs stay. ValueError for any other string."""
    from gradio_client import handle_file

    if not isinstance(image, str) or image.startswith("data:"):
        return image
    match = _UPLOADED_FILE.fullmatch(image)
    path = Path(unquote(match[1])).resolve() if match else None
    if path is None or not path.is_relative_to(upload_folder().resolve()) or not path.is_file():
        raise ValueError(
            "Images are not fetched from addresses. Please upload the file here and give the address of the upload."
        )
    return handle_file(path)
