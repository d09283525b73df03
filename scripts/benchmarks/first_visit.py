"""How long a visitor waits for the demo's page."""

import shutil
import statistics
from importlib.util import find_spec

VISITS = 5


def visit(url: str) -> str:
    """Seconds from the address to a button that can be pressed, in headless Chromium with empty caches, as a line."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium or not find_spec("playwright"):
        return "page: not measured, needs chromium and the extra [browser]"
    from playwright.sync_api import sync_playwright

    times = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(VISITS):
            context = browser.new_context()
            page = context.new_page()
            page.goto(url, wait_until="commit")
            page.locator("#upscale:enabled").wait_for()
            times.append(page.evaluate("performance.now()") / 1000)
            context.close()
        browser.close()
    median = statistics.median(times)
    return f"page: usable after {times[0]:.2f} s for the first visitor, {median:.2f} s (median of {VISITS})"
