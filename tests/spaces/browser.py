"""Headless Chromium for tests. What is missing skips them, except where FASRGAN_BROWSER=1 says that all is there."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def require_browser() -> str:
    """The path of Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    missing = [name for name in ("playwright", "axe_playwright_python") if not importlib.util.find_spec(name)]
    missing += [] if chromium else ["chromium"]
    if missing:
        reason = f"needs {', '.join(missing)}: pip install the extra [browser], apt-get install chromium"
        (pytest.fail if os.environ.get("FASRGAN_BROWSER") == "1" else pytest.skip)(reason)
    return str(chromium)


@contextmanager
def visitor(
    browser: Any, url: str, width: int = 1280, height: int = 900, scheme: str = "light"
) -> Iterator[Any]:
    """A page with the demo open; afterwards every address that it asked for is known to be the demo's."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
    )
    context.set_default_timeout(60_000)
    asked: list[str] = []
    errors: list[str] = []
    page = context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(url)
    page.get_by_role("button", name="Upscale", exact=True).wait_for()
    yield page
    context.close()
    elsewhere = [a for a in asked if urlsplit(a).scheme not in ("data", "blob") and not a.startswith(url)]
    assert asked and not elsewhere, elsewhere
    assert not errors, errors
