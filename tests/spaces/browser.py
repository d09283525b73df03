"""Headless Chromium for tests. What is missing skips them, except where FASRGAN_BROWSER=1 says that all is there."""

import importlib.util
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE: dict[str, Any] = {"width": 390, "height": 844, "scheme": "dark"}
"""What `visitor` takes for a phone."""


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
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_browser(), args=QUIET)
        yield browser
        browser.close()


@contextmanager
def visitor(
    browser: Any, url: str, button: str, width: int = 1280, height: int = 900, scheme: str = "light"
) -> Iterator[Any]:
    """A page that shows `button`; afterwards every address that it asked for is known to be the server's."""
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
    page.get_by_role("button", name=button, exact=True).wait_for()
    yield page
    context.close()
    elsewhere = [a for a in asked if urlsplit(a).scheme not in ("data", "blob") and not a.startswith(url)]
    assert asked and not elsewhere, elsewhere
    assert not errors, errors


def shot(page: Any, name: str) -> None:
    """Keep a screenshot, where FASRGAN_SCREENSHOTS names a folder."""
    folder = os.environ.get("FASRGAN_SCREENSHOTS")
    if folder:
        page.wait_for_timeout(800)
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


def pixels(image: Any) -> np.ndarray:
    """The pixels of an image on the page."""
    with urlopen(image.get_attribute("src")) as reply:
        return np.asarray(Image.open(io.BytesIO(reply.read())))


def serious(page: Any) -> dict[str, list[str]]:
    """What axe holds for serious: rule -> the elements, shortened."""
    from axe_playwright_python.sync_playwright import Axe

    return {
        violation["id"]: [node["html"][:200] for node in violation["nodes"]]
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in ("serious", "critical")
    }
