"""The study as a real server: ten raters at once, and the plug pulled in the middle."""

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from PIL import Image
from study_server import all_ratings, served

pytest.importorskip("gradio_client", reason="the study needs gradio")

IMAGES, METHODS, RATERS = ("a", "b", "c"), ("ours", "theirs"), 10


@pytest.fixture
def study(tmp_path):
    chance = np.random.default_rng(0)
    for place in ("HR", *METHODS):
        (tmp_path / "study" / place).mkdir(parents=True)
        for name in IMAGES:
            pixels = chance.integers(0, 256, (16, 24, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "study" / place / f"{name}.png")
    return tmp_path / "study"


def score_of(image, method):
    return (IMAGES.index(image) + METHODS.index(method)) % 5


def rate_all(address, rater, study):
    """One rater from the first pair to the last; gives up when the server is gone. Returns the rater's number."""
    from gradio_client import Client

    try:
        client = Client(address, verbose=False)
        rater, place, *_ = client.predict(rater, api_name="/begin")
        while place >= 0:
            rater, place, *_ = client.predict(rater, place, int(place) % 5, api_name="/rate")
    except Exception:
        if not gone(address):
            raise
    return rater


def gone(address):
    try:
        httpx.get(address, timeout=10)
    except httpx.HTTPError:
        return True
    return False


@pytest.mark.slow
def test_ten_raters_in_parallel_and_a_killed_server_lose_and_double_nothing(study):
    raters = [f"{number:016x}" for number in range(RATERS)]
    with served(study) as (address, process), ThreadPoolExecutor(RATERS) as pool:
        first = [pool.submit(rate_all, address, rater, study) for rater in raters]
        while not (study.parent / "ratings").exists() or len(all_ratings(study)) < 8:
            time.sleep(0.05)
        process.kill()
        assert [future.result() for future in first] == raters
    before = all_ratings(study)
    assert 8 <= len(before) < 60
    with served(study) as (address, _), ThreadPoolExecutor(RATERS) as pool:
        assert list(pool.map(lambda rater: rate_all(address, rater, study), raters)) == raters
    after = all_ratings(study)
    assert set(before) <= set(after)
    assert Counter((rating.rater, rating.image, rating.method) for rating in after) == {
        (rater, image, method): 1 for rater in raters for image in IMAGES for method in METHODS
    }


@pytest.mark.slow
def test_raters_who_look_at_one_pair_at_once_get_whole_images(study, tmp_path):
    """The client downloads every image that it is shown, and fails at half of one."""
    from gradio_client import Client

    def look(number):
        client = Client(address, verbose=False, download_files=tmp_path / str(number))
        return {client.predict("0" * 16, api_name="/begin")[2] for _ in range(15)}

    with served(study) as (address, _), ThreadPoolExecutor(6) as pool:
        assert list(pool.map(look, range(6))) == [{"Pair 1 of 6"}] * 6


@pytest.mark.slow
def test_hostile_calls_store_nothing_and_tell_nothing(study):
    from gradio_client import Client

    with served(study) as (address, _):
        client = Client(address, verbose=False)
        rater, place, line, *images = client.predict("../../etc/passwd", api_name="/begin")
        assert re.fullmatch("[0-9a-f]{16}", rater) and place == 0 and line == "Pair 1 of 6"
        assert not any(method in image for method in METHODS for image in images)
        calls = [
            (rater, 99, 1),
            (rater, -1, 1),
            (rater, 0, 7),
            (rater, 0, 1.5),
            ("x' or 1", 0, 1),
            ("", 0, 1),
        ]
        for call in calls:
            with pytest.raises(Exception, match=r"reload|0 to 4") as caught:
                client.predict(*call, api_name="/rate")
            assert str(study) not in str(caught.value)
        assert all_ratings(study) == []
        for path in (
            "/file=" + str(study / "HR" / "a.png"),
            "/gradio_api/file=" + str(study / "ours" / "a.png"),
        ):
            assert httpx.get(address + path).status_code in (403, 404)


@pytest.mark.slow
def test_nothing_is_uploaded_and_nothing_fetched(study):
    with served(study) as (address, _), httpx.Client(base_url=address + "/gradio_api") as client:
        assert client.post("/upload", files={"files": b"x"}).status_code == 413
        assert client.get("/file=https://example.org/").status_code == 403
        image = {"path": "https://example.org/a.png", "meta": {"_type": "gradio.FileData"}}
        assert client.post("/call/begin", json={"data": [image]}).status_code == 400
