"""The Space that computes in the visitor's browser, in a real Chromium with WebAssembly."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import PHONE, QUIET, require_browser, shot
from browser_space import EXAMPLES, assert_equal, build, opened, result, send, wait_until_loaded, with_alpha
from build_browser_space import RUNTIME
from hostile_files import HOSTILE
from PIL import Image
from serve_browser_space import served_space

from fasrgan_hub import FASRGAN, Upscaler
from fasrgan_hub.hub.model_files import DIFFICULTY
from fasrgan_hub.models.error_estimator import ErrorEstimator
from fasrgan_hub.upscaling.maps import TOP

pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
pytestmark = pytest.mark.slow
LITE = "fasrgan-lite-x4"
SOFTWARE_GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-unsafe-swiftshader"]


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    """tiny-x4 and tiny-psnr-x4, which compute in no time. Their results are noisy, but not black."""
    folder = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("tiny-x4", "tiny-psnr-x4")):
        torch.manual_seed(seed)
        network = FASRGAN(blocks=1, features=8, growth=4)
        with torch.no_grad():
            spread, mean = torch.std_mean(network(torch.rand(1, 3, 32, 32)), dim=(0, 2, 3))
            network.conv_last.weight.mul_(0.2 / spread.view(3, 1, 1, 1))
            network.conv_last.bias.sub_(mean).mul_(0.2 / spread).add_(0.5)
        network.save_pretrained(folder / name)
    torch.manual_seed(0)
    estimator = ErrorEstimator()
    with torch.no_grad():
        estimator.layers[-1].weight.mul_(5)  # otherwise it starts out flat
        estimator.direct.weight[:, -1] = 0.3  # of the damage
    estimator.save_pretrained(folder / "tiny-x4" / DIFFICULTY)
    return folder


@pytest.fixture(scope="module")
def space(tmp_path_factory, models) -> Path:
    return build(tmp_path_factory.mktemp("space"), str(models / "tiny-x4"))


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    path = require_browser()
    with sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(executable_path=path, args=[*QUIET, *flags])


@pytest.fixture(scope="module")
def browser(chromium):
    browser = chromium()
    yield browser
    browser.close()


@pytest.fixture
def server(space):
    with served_space(space) as server:
        yield server


@pytest.fixture
def page(browser, server):
    page = opened(browser, server.url)
    yield page
    page.context.close()


def test_a_png_with_alpha_equals_the_result_of_the_command_line(browser, tmp_path):
    from fasrgan_hub.apps.cli.main import main as fasrgan

    with_alpha(256, 256).save(tmp_path / "cat.png")
    line = ["upscale", str(tmp_path / "cat.png"), "-o", str(tmp_path / "expected.png"), "--model", LITE]
    assert fasrgan([*line, "--engine", "torch", "--precision", "f32"]) == 0
    with served_space(build(tmp_path / "space", LITE)) as server:
        page = opened(browser, server.url)
        assert send(page, tmp_path / "cat.png") == ""
        assert_equal(result(page, tmp_path), np.asarray(Image.open(tmp_path / "expected.png")))
        shot(page, "browser-done")
        page.context.close()


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(EXAMPLES / "cat.png").convert("RGB").resize((300, 170)).save(path, exif=exif, quality=95)


CASES = {
    "several tiles.png": lambda path: with_alpha(190, 333).save(path),
    "turned.jpg": turned,
    "gray.png": lambda path: with_alpha(50, 70).convert("L").save(path),
    "gray with alpha.png": lambda path: with_alpha(50, 70).convert("LA").save(path),
    "palette.gif": lambda path: Image.open(EXAMPLES / "cat.png").convert("P").resize((31, 45)).save(path),
    "one pixel.png": lambda path: Image.new("RGB", (1, 1), "red").save(path),
    "thin.webp": lambda path: with_alpha(700, 3).save(path, lossless=True, exact=True),
}


@pytest.mark.parametrize("name", CASES)
def test_every_kind_of_image_equals_the_python_result_at_half_fidelity(page, models, tmp_path, name):
    CASES[name](tmp_path / name)
    page.get_by_label("Fidelity").fill("0.5")
    assert send(page, tmp_path / name) == ""
    python = Upscaler(models / "tiny-x4", engine="torch", precision="f32", fidelity=0.5)
    assert_equal(result(page, tmp_path), np.asarray(python(tmp_path / name)))


ALPHA = """(image) => {
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const { data } = canvas.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
    return Array.from(data.filter((_, i) => i % 4 === 3));
}"""


def test_the_error_map_is_that_of_python(page, models, tmp_path):
    """At the size of the input, where each pixel has the mean of its square; as opacity of a tint.

    On the left there is noise, so that the damage of a tile is not that of the whole image. Both judge the page's
    result: where its rounding differs by one level from Python's, which other tests allow, so may the map.
    """
    pixels = np.asarray(with_alpha(190, 333).convert("RGB")).astype(np.float32)
    pixels[:, :150] += np.random.default_rng(0).normal(0, 20, (190, 150, 3))
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(tmp_path / "input.png")
    assert send(page, tmp_path / "input.png") == ""
    python = Upscaler(models / "tiny-x4", engine="torch", precision="f32")
    map_ = python.maps(tmp_path / "input.png", kinds=["error"], result=result(page, tmp_path))["error"]
    levels = map_.values.reshape(190, 4, 333, 4).mean(axis=(1, 3))
    assert levels.std() > 1
    page.get_by_role("button", name="Likely errors").click()
    ours = np.reshape(page.locator("#map").evaluate(ALPHA), levels.shape)
    np.testing.assert_allclose(ours, 255 * 0.85 * np.clip(levels / TOP, 0, 1), atol=1)
    sentence = page.locator("#map-text").inner_text()
    assert abs(int(re.findall(r"about (\d+) %", sentence)[0]) - 100 * map_.share_above(10)) < 1


DAMAGE = """async (side) => {
    const { ErrorMap } = await import("/modules/error-map.js");
    const { ort } = await (await import("/modules/engine.js")).loadRuntime();
    const [model] = await (await import("/modules/models.js")).listModels();
    const pixel = (_, i) => (((i * 7919) % 17) + 100 * Math.floor(i / side / 500)) / 1020;
    const plane = Float32Array.from({ length: side * side }, pixel);
    const map = await ErrorMap.of(ort, model, { colors: [plane, plane, plane], width: side, height: side });
    return map.damage.data[0];
}"""


def test_the_damage_of_a_large_image_keeps_its_digits(browser, server, models):
    """The largest that the page takes: sums over all its pixels."""
    page = browser.new_page(service_workers="block")
    page.goto(server.url + "LICENSES.txt")
    i = np.arange(2000 * 2000).reshape(1, 1, 2000, 2000)
    plane = ((i * 7919 % 17 + 100 * (i // 2000 // 500)) / 1020).astype(np.float32)
    small = torch.from_numpy(plane).expand(1, 3, -1, -1)
    with torch.inference_mode():
        expected = ErrorEstimator.from_pretrained(models / "tiny-x4" / DIFFICULTY).eval().damage_of(small)
    assert page.evaluate(DAMAGE, 2000) == pytest.approx(expected.item(), abs=2e-4)
    page.close()


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


ON_BOTH = """async () => {
    const { Engine, loadRuntime } = await import("/modules/engine.js");
    const [model] = await (await import("/modules/models.js")).listModels();
    const { ort } = await loadRuntime();
    const image = Float32Array.from({ length: 3 * 20 * 30 }, (_, i) => (i % 7) / 7);
    const results = [];
    for (const provider of ["wasm", "webgpu"]) {
        const engine = new Engine(ort, { provider, precision: "f32" }, model, 0.5);
        results.push(Array.from(await engine.run(image, 30, 20)));
        await engine.close();
    }
    return results;
}"""


def test_webgpu_gives_the_same_result(chromium, server):
    """On a GPU in software, which takes half a minute for the first image."""
    browser = chromium(*SOFTWARE_GPU)
    page = browser.new_page(bypass_csp=True, service_workers="block")
    page.goto(server.url + "LICENSES.txt")
    cpu, gpu = np.asarray(page.evaluate(ON_BOTH))
    assert cpu.size == 3 * 80 * 120 and cpu.std() > 0.05
    np.testing.assert_allclose(gpu, cpu, atol=1e-4)
    browser.close()


def test_a_gpu_that_is_slower_is_left_aside_and_the_page_says_so(chromium, server):
    browser = chromium(*SOFTWARE_GPU)
    page = opened(browser, server.url)
    line = page.locator("#engine").inner_text()
    assert line.startswith("Computes on the CPU (WebAssembly, ") and "WebGPU" in line, line
    assert "no WebGPU" not in line and " ms for 64" in line
    assert send(page, EXAMPLES / "cat.png") == ""
    browser.close()


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
