"""The endpoints as MCP tools, which Gradio makes of them where gradio[mcp] is installed: what it leaves undone."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import gradio.mcp
from gradio.utils import get_upload_folder
from gradio_client import handle_file

UPLOADED = re.compile(r"https?://[^?#]+/gradio_api/file=([^?#]+)")


class Tools(gradio.mcp.GradioMCPServer):
    """Takes images that were uploaded here, or that come as data: URLs, and fetches none."""

    def convert_strings_to_filedata(self, value: Any, filedata_positions: list[list[str | int]]) -> Any:
        uploaded = {name: _uploaded(value[name]) for (name,) in filedata_positions if name in value}
        return super().convert_strings_to_filedata(value | uploaded, filedata_positions)

    async def _execute_tool_without_progress(self, job: Any) -> list[Any]:
        # Gradio hands several results over as one, and does not see the image among them.
        results = await super()._execute_tool_without_progress(job)
        return list(results[0]) if len(results) == 1 else results


def _uploaded(image: Any) -> Any:
    """The file behind the address of an upload; data: URLs stay as they are. ValueError for any other string."""
    if not isinstance(image, str) or image.startswith("data:"):
        return image
    found = UPLOADED.fullmatch(image)
    path = Path(unquote(found[1])).resolve() if found else None
    if path is None or not path.is_relative_to(Path(get_upload_folder()).resolve()) or not path.is_file():
        raise ValueError(
            "Images are not fetched from addresses. Please upload the file here and give the address of the upload."
        )
    return handle_file(path)


def use() -> None:
    """Let Gradio make its MCP server of this class."""
    vars(gradio.mcp)["GradioMCPServer"] = Tools
