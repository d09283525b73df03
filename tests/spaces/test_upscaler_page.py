"""The demo in headless Chromium, used as visitors use it."""

import base64
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from benchmarks.demo_server import Demo, noise, running
from browser import PHONE, chromium, pixels, require_browser, serious, shot, visitor
from PIL import Image

from fasrgan_hub import Upscaler
from fasrgan_hub.images.bicubic import downscale

pytestmark = pytest.mark.slow

MAPS = {
    "Likely errors": r"About \d+ % of the pixels are likely off by more than 10 levels",
    "Looks generated": "Mean score",
    "Invented detail": r"On average [\d.]+ of 255 gray levels away",
}
"""Kind of map -> what is said about it."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    require_browser()
    pytest.importorskip("gradio", reason="needs the extra [space]")
    with running(tmp_path_factory.mktemp("demo"), megapixels=0.3, jobs_a_minute=300) as demo:
        yield demo


@pytest.fixture(scope="module")
def browser(demo):
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser, demo: Demo):
    with visitor(browser, demo.url, "Upscale") as page:
        yield page


def upload(page, path: Path) -> None:
    """Upload an image."""
    page.locator("input[type=file]").first.set_input_files(path)
    page.locator("img[alt='The image to enlarge']").wait_for()


def upscale(page) -> str:
    """Press the button and wait for the facts."""
    page.get_by_role("button", name="Upscale", exact=True).click()
    page.locator("#facts table").wait_for()
    return page.locator("#facts").inner_text()


def test_upload_compare_and_download(page, tmp_path):
    path = noise(tmp_path / "my image.png", 48, 36)
    upload(page, path)
    facts = upscale(page)
    assert "48x36 pixels" in facts and "192x144 pixels" in facts and re.search(r"\d\.\d\d s", facts)
    images = page.locator("#result img")
    shown = [pixels(images.nth(index)) for index in range(images.count())]
    expected = np.asarray(Upscaler("bicubic")(str(path)))
    assert any(np.array_equal(image, expected) for image in shown), "bicubic is not shown losslessly"
    with page.expect_download() as wait:
        page.get_by_role("button", name="Download my image_x4.png").click()
    got = np.asarray(Image.open(wait.value.path()))
    assert any(np.array_equal(image, got) for image in shown), "the result is not shown losslessly"
    assert wait.value.suggested_filename == "my image_x4.png"
    shot(page, "desktop")


def test_settings_and_the_inputs_format(page, tmp_path):
    upload(page, noise(tmp_path / "photo.jpg", 40, 32))
    model = page.get_by_role("listbox", name="Model").or_(page.get_by_label("Model")).first
    model.click()
    page.get_by_role("option", name="bicubic", exact=True).click()
    page.get_by_label("2", exact=True).check()
    facts = upscale(page)
    assert "80x64 pixels" in facts and "bicubic" in facts
    with page.expect_download() as wait:
        page.get_by_role("button", name="Download photo_x2.jpg").click()
    assert Image.open(wait.value.path()).format == "JPEG"


def test_paste(page, tmp_path):
    content = base64.b64encode(noise(tmp_path / "p.png", 32, 24).read_bytes()).decode()
    page.locator(
        "button[aria-label='Paste from clipboard'], button[aria-label='Upload file']"
    ).first.wait_for()
    page.evaluate(
        """content => {
            const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0));
            const blob = new Blob([bytes], {type: 'image/png'});
            navigator.clipboard.read = async () => [new ClipboardItem({'image/png': blob})];
        }""",
        content,
    )
    page.get_by_label("Paste from clipboard").first.click()
    page.locator("img[alt='The image to enlarge']").wait_for()
    assert "128x96 pixels" in upscale(page)


def test_an_example_on_a_phone_with_the_score_map_and_the_magnifier(browser, demo):
    with visitor(browser, demo.url, "Upscale", **PHONE) as page:
        from playwright.sync_api import expect

        page.get_by_role("button", name="face").click()  # a thumbnail
        page.locator("img[alt='The image to enlarge']").wait_for()
        page.get_by_role("button", name="Upscale", exact=True).click()
        expect(page.locator("#result")).to_be_in_viewport()  # there the progress is drawn
        page.locator("#facts table").wait_for()
        assert "480x480" in page.locator("#facts").inner_text()
        page.get_by_text("Magnify a part").click()
        part = page.get_by_alt_text("The same part of the result")
        part.wait_for()
        assert pixels(part).shape[:2] == (512, 512)  # 128 pixels a side, each four times as large
        before = part.get_attribute("src")
        page.get_by_role("slider", name="From left to right").press("Home")
        page.wait_for_function(
            "([alt, before]) => document.querySelector(`img[alt='${alt}']`).src != before",
            arg=["The same part of the result", before],
        )
        page.get_by_text("How far can it be trusted?").click()
        for kind, sentence in MAPS.items():
            page.get_by_label(kind).check()
            page.get_by_role("button", name="Draw the map").click()
            page.get_by_text(re.compile(sentence)).wait_for()
            assert pixels(page.get_by_alt_text("The map in colors")).shape[:2] == (480, 480)
            shot(page, f"phone-{kind}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"], "the page is wider than the phone"
        shot(page, "phone")


def test_scores_against_the_true_image(page, tmp_path):
    import torch

    truth = noise(tmp_path / "truth.png", 128, 96)
    planes = torch.from_numpy(np.asarray(Image.open(truth)).copy()).permute(2, 0, 1) / 255
    small = (downscale(planes).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(small).save(tmp_path / "small.png")
    upload(page, tmp_path / "small.png")
    page.get_by_text("Score it against the true image").click()
    page.locator("input[type=file]").nth(1).set_input_files(truth)
    page.locator("img[alt='The true image']").wait_for()
    facts = upscale(page)
    assert re.search(r"PSNR \(Y, dB\)\s+\d+\.\d\d \(bicubic \d+\.\d\d\)", facts) and "SSIM" in facts


def test_several_images_come_back_in_a_zip(page, tmp_path):
    page.get_by_role("tab", name="Several images").click()
    (tmp_path / "broken.png").write_bytes(b"no image")
    paths = [noise(tmp_path / f"{i}.png", 24 + 4 * i, 20, i) for i in range(3)] + [tmp_path / "broken.png"]
    page.locator("input[type=file][multiple]").set_input_files(paths)
    page.get_by_role("button", name="Upscale all").click()
    page.locator("#archive a[download]").first.wait_for()
    listed = page.locator("#list").inner_text()
    assert "2.png" in listed and "128x80 pixels" in listed and "not an image" in listed
    shot(page, "several")
    with page.expect_download() as wait:
        page.locator("#archive a[download]").first.click()
    with zipfile.ZipFile(wait.value.path()) as archive:
        assert sorted(archive.namelist()) == [f"{i}_x4.png" for i in range(3)]
        assert Image.open(archive.open("1_x4.png")).size == (112, 80)


def test_progress_by_tile_and_stop(page, demo, tmp_path):
    upload(page, noise(tmp_path / "large.png", 640, 460))
    page.get_by_role("button", name="Upscale", exact=True).click()
    page.get_by_text(re.compile(r"Tile \d+ of \d+")).first.wait_for()
    shot(page, "progress")
    page.get_by_role("button", name="Stop", exact=True).click()
    progress = page.get_by_text(re.compile(r"Tile \d+ of \d+")).first
    progress.wait_for(state="hidden")
    page.get_by_label("Remove Image").first.click()
    upload(page, noise(tmp_path / "small.png", 24, 24))
    assert "96x96 pixels" in upscale(page)  # the bench is free again


@pytest.mark.parametrize(("content", "message"), [(b"not an image", "is not an image"), (None, "megapixels")])
def test_mistakes_are_explained_in_a_sentence(page, tmp_path, content, message):
    path = tmp_path / "mine.png"
    if content:
        path.write_bytes(content)
    else:
        noise(path, 800, 600)
    page.locator("input[type=file]").first.set_input_files(path)
    page.get_by_label("Remove Image").first.wait_for()
    page.locator("#hint").get_by_text(re.compile(message)).wait_for()
    page.get_by_role("button", name="Upscale", exact=True).click()
    toast = page.get_by_text(re.compile(message)).first
    toast.wait_for()
    assert "/" not in toast.inner_text().replace("owner/name", "") and "mine.png" in toast.inner_text()
    shot(page, f"mistake-{message.split()[-1]}")


def test_without_an_image_that_is_said(page):
    page.get_by_role("button", name="Upscale", exact=True).click()
    page.get_by_text("Choose an image first.").first.wait_for()


@pytest.mark.parametrize("device", [{}, PHONE])
def test_axe_finds_no_serious_violation(browser, demo, tmp_path, device):
    from fasrgan_hub.apps.demo.single_image import EXAMPLES

    with visitor(browser, demo.url, "Upscale", **device) as page:
        for example in EXAMPLES.glob("*.png"):
            page.get_by_role("button", name=example.stem, exact=True).wait_for()  # named once it is drawn
        assert not serious(page)
        upload(page, noise(tmp_path / "small.png", 32, 24))
        upscale(page)
        for section in ("Magnify a part", "How far can it be trusted?", "Score it against the true image"):
            page.get_by_text(section).click()
        page.wait_for_timeout(1000)
        assert not serious(page)


def test_the_keyboard_alone_is_enough(page, tmp_path):
    upload(page, noise(tmp_path / "small.png", 24, 24))
    for _ in range(60):
        page.keyboard.press("Tab")
        if (
            page.evaluate("document.activeElement.id || document.activeElement.closest('[id]')?.id")
            == "upscale"
        ):
            break
    page.keyboard.press("Enter")
    page.locator("#facts table").wait_for()
