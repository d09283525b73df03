"""The opinion study in headless Chromium, as raters use it."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.demo_server import free_port
from browser import PHONE, chromium, pixels, require_browser, serious, shot, visitor
from PIL import Image
from study_server import all_ratings, served

from fasrgan_hub.apps.study.design import CONSENT, SCORES, Study, load_study, patch
from fasrgan_hub.apps.study.presentation import PATCH_FACTOR, PATCH_SIDE

pytest.importorskip("gradio", reason="needs the extra [space]")

pytestmark = pytest.mark.slow
BEGIN = "I agree, begin"
METHODS = ("unseen-name", "hidden-name")


@pytest.fixture(scope="module")
def browser():
    require_browser()
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    chance = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("study") / "study"
    for place in ("HR", *METHODS):
        (folder / place).mkdir(parents=True)
        for name in ("a", "b"):
            Image.fromarray(chance.integers(0, 256, (160, 240, 3), np.uint8)).save(
                folder / place / f"{name}.png"
            )
    return load_study(folder)


@pytest.fixture(scope="module")
def folder(study) -> Path:
    return study.items[0].original.parent.parent


@pytest.fixture(scope="module")
def server(folder):
    with served(folder) as (address, _):
        yield address


@pytest.fixture
def page(browser, server):
    """A rater like no other test's."""
    with visitor(browser, server, BEGIN) as page:
        yield page


@pytest.fixture
def stored(folder, server):
    """The ratings since the test began."""
    before = all_ratings(folder)
    return lambda: [rating for rating in all_ratings(folder) if rating not in before]


def begin(page, pair: int = 1) -> None:
    page.get_by_role("button", name=BEGIN).click()
    wait(page, pair)


def wait(page, pair: int) -> None:
    page.get_by_text(f"Pair {pair} of 4", exact=True).wait_for()
    page.get_by_role("button", name=SCORES[0], exact=True).wait_for()


def test_consent_comes_first_and_nothing_is_stored_before_it(page, stored):
    page.get_by_text(CONSENT).wait_for()
    assert page.get_by_role("button", name=SCORES[0]).count() == 0 and page.locator("img").count() == 0
    assert page.evaluate("Object.keys(localStorage).length") == 0 and stored() == []
    shot(page, "study-consent")


def test_the_pair_is_blind_and_shown_pixel_by_pixel_with_its_patch(page, study):
    begin(page)
    original, result, part, same_part = (
        pixels(page.get_by_alt_text(label, exact=True))
        for label in ("Original", "Result", "Original, a part", "Result, same part")
    )
    methods = {
        item.method
        for item in study.items
        if np.array_equal(original, np.asarray(Image.open(item.original)))
        and np.array_equal(result, np.asarray(Image.open(item.result)))
    }
    assert len(methods) == 1
    rows, columns = patch(original, PATCH_SIDE)
    for whole, shown in ((original, part), (result, same_part)):
        assert np.array_equal(shown[::PATCH_FACTOR, ::PATCH_FACTOR], whole[rows, columns])
    assert not any(method in page.content() for method in METHODS)
    shot(page, "study-pair")


def test_every_score_is_chosen_with_the_mouse_to_the_end(page, study, stored):
    begin(page)
    for pair, score in enumerate((0, 4, 2, 1), start=1):
        wait(page, pair)
        page.get_by_role("button", name=SCORES[score], exact=True).click()
    page.get_by_text("All 4 pairs are rated. Thank you!").wait_for()
    page.get_by_role("button", name=SCORES[0], exact=True).wait_for(state="hidden")
    shot(page, "study-end")
    ratings = stored()
    assert [rating.score for rating in ratings] == [0, 4, 2, 1]
    assert {rating.rater for rating in ratings} == {ratings[0].rater}
    order = [(item.image, item.method) for item in study.order(ratings[0].rater)]
    assert [(rating.image, rating.method) for rating in ratings] == order
    page.reload()
    page.get_by_role("button", name=BEGIN).click()
    page.get_by_text("All 4 pairs are rated. Thank you!").wait_for()
    assert len(stored()) == 4


def focus(page, element: str, key: str = "Tab") -> None:
    """Go to an element as somebody without a mouse does."""
    for _ in range(40):
        if page.evaluate("document.activeElement.id") == element:
            return
        page.keyboard.press(key)
    raise AssertionError(f"the keyboard does not reach {element}")


def test_the_keyboard_alone_is_enough(page, stored):
    focus(page, "begin")
    page.keyboard.press("Enter")
    for pair, (score, key, press) in enumerate(
        [(3, "Tab", "Enter"), (3, "Tab", "Space"), (4, "Tab", "Enter"), (0, "Shift+Tab", "Space")], start=1
    ):
        wait(page, pair)
        focus(page, f"score-{score}", key)
        page.keyboard.press(press)
    page.get_by_text("Thank you!").wait_for()
    assert [rating.score for rating in stored()] == [3, 3, 4, 0]


def test_a_double_click_rates_one_pair(page, stored):
    begin(page)
    answer = page.get_by_role("button", name=SCORES[1], exact=True)
    answer.dblclick()
    wait(page, 2)
    # A slow one: its second click comes when the next pair is there.
    answer.click()
    wait(page, 3)
    answer.hover()
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    page.wait_for_timeout(1000)
    wait(page, 3)
    assert len(stored()) == 2


def test_a_rater_goes_on_after_a_reload_and_after_a_new_start_of_the_server(browser, study, folder, stored):
    port = free_port()
    with served(folder, port) as (address, process), visitor(browser, address, BEGIN) as page:
        begin(page)
        page.get_by_role("button", name=SCORES[2], exact=True).click()
        wait(page, 2)
        page.reload()
        begin(page, 2)
        page.goto(address + "/robots.txt")  # out of the way, and in the same browser
        process.kill()
        process.wait()
        with served(folder, port):
            page.goto(address)
            begin(page, 2)
            page.get_by_role("button", name=SCORES[2], exact=True).click()
            wait(page, 3)
    first, second = sorted(stored(), key=lambda rating: rating.time)
    assert first.rater == second.rater
    order = [(item.image, item.method) for item in study.order(first.rater)]
    assert [(rating.image, rating.method) for rating in (first, second)] == order[:2]


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desktop", "phone"])
def test_axe_finds_no_serious_violation_and_nothing_is_wider_than_the_page(browser, server, device):
    with visitor(browser, server, BEGIN, **device) as page:
        assert not serious(page)
        begin(page)
        assert not serious(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        shot(page, "study-phone" if device else "study-desktop")
        for pair in range(1, 5):
            wait(page, pair)
            page.get_by_role("button", name=SCORES[0], exact=True).click()
        page.get_by_text("Thank you!").wait_for()
        page.get_by_role("button", name=SCORES[0], exact=True).wait_for(state="hidden")
        assert not serious(page)
