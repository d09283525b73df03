"""The Space that computes in the visitor's browser: its results and maps are those of Python, on the CPU and a GPU."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import shot
from browser_space import EXAMPLES, assert_equal, build, opened, result, send, with_alpha
from PIL import Image
from serve_browser_space import served_space

from fasrgan_hub import Upscaler
from fasrgan_hub.hub.model_files import DIFFICULTY
from fasrgan_hub.models.error_estimator import ErrorEstimator
from fasrgan_hub.upscaling.maps import TOP

pytest.importorskip("onnxruntime", reason="needs the extra [onnx]")
pytestmark = pytest.mark.slow
pytest_plugins = ["browser_space_fixtures"]
LITE = "fasrgan-lite-x4"
SOFTWARE_GPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-unsafe-swiftshader"]


def test_a_png_with_alpha_equals_the_result_of_the_command_line(browser, tmp_path):
    from fasrgan_hub.apps.cli.main import main as fasrgan

    with_alpha(256, 256).save(tmp_path / "cat.png")
    line = ["upscale", str(tmp_path / "cat.png"), "-o", str(tmp_path / "expected.png"), "--model", LITE]
    assert fasrgan([*line, "--engine", "torch", "--precision", "f32"]) == 0
    with served_space(build(tmp_path / "space", LITE)) as server:
        page = opened(browser, server.url)
        assert send(page, tmp_path / "cat.png") == ""
        ours, theirs = result(page, tmp_path), np.asarray(Image.open(tmp_path / "expected.png"))
        seen = theirs[:, :, 3] > 0
        off = np.abs(ours.astype(int) - theirs)
        assert off[:, :, 3].max() <= 2 and theirs[seen].std() > 5
        # What is not seen the page fills for the whole image, the command tile by tile: a little of it shows.
        assert (off[seen] > 2).mean() < 1e-3 and off[seen].max() <= 16
        shot(page, "browser-done")
        page.context.close()


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(EXAMPLES / "cat.png").convert("RGB").resize((300, 170)).save(path, exif=exif, quality=95)


NOISE = np.random.default_rng(1).integers(0, 256, (50, 70), np.uint8)

CASES = {
    "several tiles.png": lambda path: with_alpha(190, 333).save(path),
    "turned.jpg": turned,
    "gray.png": lambda path: Image.fromarray(NOISE).save(path),
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
