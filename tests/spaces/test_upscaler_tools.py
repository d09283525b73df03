"""The demo's endpoints as tools of a language model, called by a real MCP client."""

import asyncio
import base64
import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.demo_server import Demo, noise, running
from benchmarks.visitors import upload
from PIL import Image

from fasrgan_hub import Upscaler

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("mcp"), reason='needs MCP: pip install "gradio[mcp]"'),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with running(tmp_path_factory.mktemp("demo"), jobs_a_minute=300) as demo:
        yield demo


@pytest.fixture
def image(tmp_path) -> Path:
    return noise(tmp_path / "mine.png", 40, 32)


async def session(
    demo: Demo, *calls: tuple[str, dict[str, Any]], heard: list[str] | None = None
) -> list[Any]:
    """The list of tools, and what each call of one comes to; `heard` takes the messages of the progress."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        assert heard is not None
        heard.append(str(message))

    async with (
        streamable_http_client(f"{demo.url}gradio_api/mcp/") as (read, write, _),
        ClientSession(read, write) as client,
    ):
        await client.initialize()
        listed = [await client.list_tools()]
        options = {} if heard is None else {"progress_callback": hear}
        return listed + [await client.call_tool(name, arguments, **options) for name, arguments in calls]


def run(demo: Demo, *calls: tuple[str, dict[str, Any]], heard: list[str] | None = None) -> list[Any]:
    return asyncio.run(asyncio.wait_for(session(demo, *calls, heard=heard), 240))


def pixels(content: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content.data))))


def test_the_tools_say_what_they_do(demo):
    listed = run(demo)[0].tools
    assert {tool.name for tool in listed} == {"upscale", "map", "score_map"}
    upscale = next(tool for tool in listed if tool.name == "upscale")
    assert upscale.description.startswith("Enlarge an image.")
    assert upscale.inputSchema["required"] == ["image"]
    assert {"model", "fidelity", "scale", "match_color", "format"} < set(upscale.inputSchema["properties"])


@pytest.mark.parametrize("heard", [None, []], ids=["", "with progress"])
def test_an_image_comes_back_with_its_facts(demo, image, heard):
    place = upload(demo.url, image)
    inline = "data:opened/png;base64," + base64.b64encode(image.read_bytes()).decode()
    sources = [f"{demo.url}gradio_api/file={place}", inline]
    calls = [("upscale", {"image": text, "model": "bicubic"}) for text in sources]
    for result in run(demo, *calls, heard=heard)[1:]:
        opened, address, facts = result.content
        assert not result.isError
        assert np.array_equal(pixels(opened), np.asarray(Upscaler("bicubic")(str(image))))
        assert address.text.startswith("Image URL: http") and "160x128 pixels" in facts.text
    assert heard is None or any("Tile" in message or "queue" in message for message in heard), heard


def test_a_score_map_comes_back_with_the_score(demo, image):
    place = upload(demo.url, image)
    result = run(demo, ("score_map", {"image": f"{demo.url}gradio_api/file={place}"}))[1]
    opened, _, facts = result.content
    assert pixels(opened).shape[:2] == (32, 40) and "'score': 0." in facts.text


def test_what_cannot_be_done_is_refused_with_a_sentence(demo, image):
    (demo.folder / "private.png").write_bytes(image.read_bytes())
    here = f"{demo.url}gradio_api/file={upload(demo.url, image)}"
    wrong = {
        "https://example.org/cat.png": "Images are not fetched from addresses.",
        f"{demo.url}gradio_api/file={demo.folder / 'private.png'}": "Images are not fetched",
        f"{demo.url}gradio_api/file={demo.folder / 'files' / '..' / 'private.png'}": "Images are not fetched",
        str(demo.folder / "private.png"): "Images are not fetched",
        "data:image/png;base64,AAAA": "not an image",
    }
    calls = [("upscale", {"image": text}) for text in wrong]
    calls += [("upscale", {"image": here, "scale": 9}), ("upscale", {"image": here, "model": "/etc"})]
    messages = [*wrong.values(), "Scale must be one of", "neither a bundled model nor a Hub id"]
    for result, message in zip(run(demo, *calls)[1:], messages, strict=True):
        answer = result.content[0].text
        assert result.isError and message in answer, answer
        assert not any(leak in answer for leak in (str(demo.folder), "Traceback", ".py", "127.0.0.1")), answer
