"""`scripts/benchmark.py browser`: Time and memory of the static Space, in Chromium with WebAssembly."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from serve_browser_space import served_space

from fasrgan_hub.apps.cli.options import argument, parse_count, repeated
from fasrgan_hub.errors import MissingPackageError
from fasrgan_hub.extras import import_extra

EXAMPLE = Path(__file__).parents[2] / "spaces" / "upscaler" / "examples" / "cat.png"


@dataclass
class Options:
    space: str = argument("DIR")
    """what scripts/build_browser_space.py built"""
    size: list[int] = repeated("N", type=parse_count)
    """side of a square image (default: 128 and 256)"""


def run(options: Options) -> int:
    """From the choice of a file to the shown result, the first time and again; memory of the page's process."""
    for size in options.size or [128, 256]:
        with served_space(Path(options.space)) as space, opened_page(space.url) as page:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "image.png")
                Image.open(EXAMPLE).convert("RGB").resize((size, size)).save(path)
                facts = [enlarge(page, path) for _ in range(2)]
            print(f"{size}x{size}: {facts[0]}; again {facts[1]}; at most {peak_memory() / 1e6:.0f} MB")
            print(f"  {page.locator('#engine').inner_text()}")
    return 0


@contextmanager
def opened_page(url: str) -> Iterator[Any]:
    """The page in headless Chromium, when it is ready."""
    playwright = import_extra("playwright.sync_api", "the benchmark", "browser")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise MissingPackageError("the benchmark needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(600_000)
        page.goto(url)
        page.get_by_text("works without a network").wait_for()
        yield page
        browser.close()


def enlarge(page: Any, path: Path) -> str:
    """What the page says of the result."""
    page.locator("#file").set_input_files(path)
    page.locator("body[data-state=working]").wait_for()
    page.locator("body[data-state=done]").wait_for()
    return str(page.locator("#facts").inner_text())


def peak_memory() -> int:
    """Bytes that the largest process of a page has had resident at most."""
    psutil = import_extra("psutil", "the benchmark", "train")
    peaks = [0]
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, OSError):
            if "--type=renderer" in process.cmdline():
                status = Path(f"/proc/{process.pid}/status").read_text()
                peaks.append(1024 * int(status.split("VmHWM:")[1].split()[0]))
    return max(peaks)
