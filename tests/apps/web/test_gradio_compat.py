"""The internals of the installed Gradio are those that `gradio_compat` was written for."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from fasrgan_hub.apps.web import gradio_compat

gradio = pytest.importorskip("gradio", reason="needs the extra [space]")

HARMLESS = {"/gradio_api/reset", "/gradio_api/cancel", "/gradio_api/run-history/connect"}
"""Routes that compute nothing, store nothing and fetch nothing."""


@pytest.fixture(scope="module")
def routes() -> dict[str, set[str]]:
    """Route -> its methods, of a page with one endpoint."""
    from gradio.routes import App

    with gradio.Blocks() as page:
        gradio.Button().click(lambda: None, api_name="upscale")
    paths = App.create_app(page).openapi()["paths"]
    return {path.replace("{api_name}", "upscale"): set(methods) for path, methods in paths.items()}


def test_every_route_that_takes_data_is_limited_or_blocked(routes):
    """A new version of Gradio that brings a new one fails here: look what it does, then classify it."""
    posts = {
        path for path, methods in routes.items() if "post" in methods and path.startswith("/gradio_api/")
    }
    patterns = gradio_compat.BLOCKED_ROUTES, gradio_compat.JOB_ROUTES, gradio_compat.UPLOAD_ROUTE
    unknown = {path for path in posts if not any(pattern.search(path) for pattern in patterns)}
    assert {path.rstrip("/") for path in unknown} == HARMLESS


def test_jobs_uploads_and_results_have_the_routes_that_the_middleware_watches(routes):
    assert {path for path in routes if gradio_compat.JOB_ROUTES.search(path)} >= {
        "/gradio_api/queue/join", "/gradio_api/call/upscale", "/gradio_api/run/upscale", "/gradio_api/api/upscale"
    }  # fmt: skip
    assert [path for path in routes if gradio_compat.UPLOAD_ROUTE.search(path)] == ["/gradio_api/upload"]
    gets = [path for path, methods in routes.items() if "get" in methods]
    waiting = {
        path for path in gets if gradio_compat.listening_session(path.replace("{event_id}", "e1"), b"")
    }
    assert waiting == {f"/gradio_api/call/{version}upscale/{{event_id}}" for version in ("", "v2/")}
    assert gradio_compat.listening_session("/gradio_api/queue/data", b"session_hash=abc") == "abc"
    assert "/gradio_api/queue/data" in routes


def test_an_uploaded_file_comes_unopened_and_no_file_is_written_beside_the_module():
    with gradio.Blocks():
        image = gradio_compat.image_input(label="image")
    assert isinstance(image, gradio.Image)
    assert image.preprocess(SimpleNamespace(path="/no/such/file.png")) == Path("/no/such/file.png")
    assert image.preprocess(None) is None
    assert not list(Path(gradio_compat.__file__).parent.glob("*.pyi"))


def test_the_mcp_server_has_the_methods_that_are_replaced():
    mcp = pytest.importorskip("gradio.mcp", reason="needs the extra [mcp]")
    for name in ("convert_strings_to_filedata", "_execute_tool_without_progress"):
        assert callable(getattr(mcp.GradioMCPServer, name))
