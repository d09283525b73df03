"""What tests of the Space in the browser do: build it, open its page, send files to it and get results."""

from pathlib import Path

import numpy as np
import pytest
from build_browser_space import fetch_runtime, main
from PIL import Image

from fasrgan_hub.errors import NetworkError

EXAMPLES = Path(__file__).parents[2] / "fasrgan_hub" / "apps" / "demo" / "examples"


def build(folder: Path, *models: str) -> Path:
    """A built Space. Where the npm registry cannot be reached, the tests are skipped."""
    try:
        fetch_runtime()
    except NetworkError as error:
        pytest.skip(str(error))
    assert main(["-o", str(folder), *(word for name in models for word in ("--model", name))]) == 0
    return folder


def opened(browser, url: str, width: int = 1280, height: int = 900, scheme: str = "light", **options):
    """A page that is ready, in a browser profile of its own."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True, **options
    )
    context.set_default_timeout(300_000)
    page = context.new_page()
    page.goto(url)
    page.locator("body[data-state=empty]").wait_for()
    return page


def wait_until_loaded(page) -> None:
    page.get_by_text("this page now works without a network").wait_for()


def send(page, path: Path) -> str:
    """Choose a file and wait; returns the sentence of the error, or "" if there is a result."""
    page.locator("#file").set_input_files(path)
    page.locator("body:is([data-state=done], [data-state=error])").wait_for()
    return page.locator("#error").inner_text()


def result(page, folder: Path) -> np.ndarray:
    with page.expect_download() as download:
        page.get_by_role("button", name="Download PNG").click()
    download.value.save_as(folder / download.value.suggested_filename)
    return np.asarray(Image.open(folder / download.value.suggested_filename))


def with_alpha(height: int, width: int) -> Image.Image:
    """A photograph with soft and hard edges of alpha and large parts that are fully transparent."""
    photo = Image.open(EXAMPLES / "cat.png").convert("RGB").resize((width, height))
    small = np.random.default_rng(0).integers(0, 256, (9, 9), np.uint8)
    smooth = np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC), np.int16)
    photo.putalpha(Image.fromarray(np.clip(3 * smooth - 256, 0, 255).astype(np.uint8)))
    return photo


def assert_equal(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert ours.shape == theirs.shape and (theirs.std() > 2 or theirs.size < 100)
    assert np.abs(ours.astype(int) - theirs).max() <= 2
