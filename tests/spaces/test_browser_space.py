"""The page of the Space that computes in the visitor's browser, in a real Chromium with WebAssembly."""

import json
import re

import numpy as np
import pytest
from browser import PHONE, shot
from browser_space import EXAMPLES, opened, result, send, wait_until_loaded
from build_browser_space import RUNTIME
from hostile_files import HOSTILE
from PIL import Image
from serve_browser_space import served_space

pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
pytestmark = pytest.mark.slow
pytest_plugins = ["browser_space_fixtures"]


def test_the_page_says_what_computes_and_how_fast(page, tmp_path):
    assert "WebAssembly, " in page.locator("#engine").inner_text()
    assert send(page, EXAMPLES / "cat.png") == ""
    assert re.search(r"\d+ ms for 64.64 pixels", page.locator("#engine").inner_text())
    assert re.search(r"896.600 pixels, \d+ kB, [\d.]+ s", page.locator("#facts").inner_text())


def test_after_loading_nothing_is_asked_for_and_the_page_works_without_a_network(browser, space, tmp_path):
    with served_space(space) as server:
        page = opened(browser, server.url)
        asked: list[str] = []
        page.context.on("request", lambda request: asked.append(request.url))
        wait_until_loaded(page)
        before = len(server.requests)
        assert send(page, EXAMPLES / "cat.png") == ""
        page.get_by_label("Fidelity").fill("1")
        page.get_by_role("button", name="Enlarge again").click()
        page.locator("body[data-state=done]").wait_for()
        # The browser itself looks for a newer service worker.
        assert set(server.requests[before:]) <= {"/service-worker.js"}
        server.stop()
        page.reload()
        page.locator("body[data-state=empty]").wait_for()
        page.get_by_role("button", name="Try a cat").click()
        page.locator("body[data-state=done]").wait_for()
        assert result(page, tmp_path).shape == (600, 896, 3)
        assert all(url.startswith((server.url, "blob:", "data:")) for url in asked), asked
        page.context.close()


def test_the_browser_refuses_requests_to_elsewhere(page):
    code = "fetch('https://example.org/?image').then(() => 'sent', (error) => String(error))"
    with page.expect_console_message(lambda message: "Content Security Policy" in message.text):
        assert "TypeError" in page.evaluate(f"() => {code}")


def test_hostile_files_get_a_sentence_each_and_the_page_lives(page, tmp_path):
    for name, (make, expected) in HOSTILE.items():
        path = tmp_path / name
        path.write_bytes(make(tmp_path))
        sentence = send(page, path)
        assert sentence.startswith(f"{name}: ") and sentence.endswith("."), sentence
        assert expected in sentence and "undefined" not in sentence, (name, sentence)
    shot(page, "browser-error")
    assert send(page, EXAMPLES / "cat.png") == ""


def test_unusual_files_that_are_images_are_enlarged(page, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 65_536, (9, 9), np.uint16)
    Image.fromarray(pixels).save(tmp_path / "sixteen bits.png")
    Image.new("CMYK", (9, 9), (10, 20, 30, 40)).save(tmp_path / "cmyk.jpg")
    for name in ("sixteen bits.png", "cmyk.jpg"):
        assert send(page, tmp_path / name) == "", name
        assert result(page, tmp_path).shape[:2] == (36, 36)


def test_stop_ends_the_work_at_once_and_the_next_image_is_enlarged(page, tmp_path):
    Image.new("RGB", (1900, 1900), "green").save(tmp_path / "large.png")
    page.locator("#file").set_input_files(tmp_path / "large.png")
    page.get_by_text("about").wait_for()  # some tiles are done
    shot(page, "browser-working")
    page.get_by_role("button", name="Stop").click()
    assert page.locator("body").get_attribute("data-state") == "empty"
    assert send(page, EXAMPLES / "face.png") == ""


def test_images_are_pasted_and_dropped(page):
    """As a visitor's browser sends them: a file in the event."""
    script = """async ([kind, field, path]) => {
        const content = await (await fetch(path)).blob();
        const transfer = new DataTransfer();
        transfer.items.add(new File([content], "mine.png", { type: "image/png" }));
        document.dispatchEvent(new (kind === "paste" ? ClipboardEvent : DragEvent)(kind, { [field]: transfer }));
    }"""
    for kind, field in (("paste", "clipboardData"), ("drop", "dataTransfer")):
        page.evaluate(script, [kind, field, "examples/cat.png"])
        page.locator("body[data-state=working]").wait_for()
        page.locator("body[data-state=done]").wait_for()
        assert page.locator("#download").get_attribute("download") == "mine_x4.png"
    page.evaluate(
        "document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: new DataTransfer() }))"
    )
    assert "holds no file" in page.locator("#error").inner_text()


def violations(page) -> dict[str, list[str]]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return {each["id"]: [node["html"][:200] for node in each["nodes"]] for each in found}


@pytest.mark.parametrize("device", [{}, {"scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(browser, server, tmp_path, device):
    page = opened(browser, server.url, **device)
    name = f"browser-{device.get('width', 1280)}-{device.get('scheme', 'light')}"
    (tmp_path / "bad.png").write_bytes(b"bad")
    for state, path in (("empty", None), ("done", EXAMPLES / "face.png"), ("error", tmp_path / "bad.png")):
        if path:
            send(page, path)
        shot(page, f"{name}-{state}")
        assert violations(page) == {}, state
        for button in ("Likely errors", "Full size") if state == "done" else ():
            page.get_by_role("button", name=button).click()
            assert violations(page) == {}, button
            shot(page, f"{name}-{button}")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), button
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), state
    page.context.close()


def test_the_keyboard_is_enough(page):
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.value") == "examples/face.png"
    page.keyboard.press("Enter")
    page.locator("body[data-state=done]").wait_for()
    assert page.evaluate("document.activeElement.id") == "download"
    page.get_by_label("Line between").focus()
    page.keyboard.press("Home")
    assert "100%" in page.locator("#before").evaluate("(image) => image.style.clipPath")


def test_without_the_headers_one_thread_computes(browser, space):
    with served_space(space, isolated=False) as server:
        page = opened(browser, server.url)
        assert "WebAssembly, 1 thread)" in page.locator("#engine").inner_text()
        page.context.close()


def test_the_space_is_complete_and_names_its_licenses(space):
    assert {path.name for path in (space / "runtime").iterdir()} == set(RUNTIME)
    licenses = (space / "LICENSES.txt").read_text()
    assert "MIT License" in licenses and "tiny-x4: " in licenses and (space / "LICENSE").is_file()
    (model,) = json.loads((space / "models.json").read_text())
    assert (model["name"], model["sibling"]) == ("tiny-x4", "tiny-psnr-x4")
    worker = (space / "service-worker.js").read_text()
    assert "VERSION" not in worker and '"modules/tiles.js"' in worker
    assert sum(path.stat().st_size for path in space.rglob("*")) < 60e6
