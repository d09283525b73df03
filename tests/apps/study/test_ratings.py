"""No rating is lost and none is doubled, whoever clicks how often and whatever is killed."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fasrgan_hub.apps.study.ratings import Ratings, read_ratings
from fasrgan_hub.errors import UserError

RATER = """
import sys
from fasrgan_hub.apps.study.ratings import Ratings
ratings = Ratings(sys.argv[1])
for number in range(int(sys.argv[2])):
    if ratings.add("s", "rater", f"image {number}", "ours", number % 5):
        print(number, flush=True)
"""


def test_ratings_come_back_as_they_were_given(tmp_path):
    ratings = Ratings(tmp_path / "deep" / "ratings.jsonl")
    assert ratings.add("s", "r1", "baby", "ours", 4)
    (rating,) = read_ratings(ratings.path)
    assert (rating.study, rating.rater, rating.image, rating.method, rating.score) == (
        "s",
        "r1",
        "baby",
        "ours",
        4,
    )
    for score in (-1, 5):
        with pytest.raises(UserError, match="0 to 4"):
            ratings.add("s", "r1", "bird", "ours", score)


def test_a_second_click_counts_once_even_after_a_restart(tmp_path):
    ratings = Ratings(tmp_path / "ratings.jsonl")
    assert ratings.add("s", "r1", "baby", "ours", 1) and not ratings.add("s", "r1", "baby", "ours", 2)
    assert not Ratings(tmp_path / "ratings.jsonl").add("s", "r1", "baby", "ours", 3)
    assert not Ratings(tmp_path / "next.jsonl", others=[ratings.path]).add("s", "r1", "baby", "ours", 3)
    assert [rating.score for rating in read_ratings(ratings.path)] == [1]


def test_ten_raters_at_once_lose_nothing(tmp_path):
    ratings = Ratings(tmp_path / "ratings.jsonl")

    def rate(rater):
        return sum(ratings.add("s", f"r{rater % 10}", f"p{number}", "ours", 2) for number in range(20))

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(rate, range(20))) == 200  # every rater has two tabs open
    assert (
        len({rating.key for rating in read_ratings(ratings.path)}) == len(read_ratings(ratings.path)) == 200
    )


@pytest.mark.slow
def test_a_killed_process_loses_no_rating_and_doubles_none(tmp_path):
    path = tmp_path / "ratings.jsonl"
    command = [sys.executable, "-c", RATER, str(path), "4000"]
    printed = 0
    for _ in range(3):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while path.stat().st_size < (printed + 20) * 100 if path.exists() else True:
            time.sleep(0.005)
        process.kill()
        printed += len(process.communicate()[0].split())
        kept = read_ratings(path)
        assert printed <= len(kept) <= printed + 3  # one may be on disk before it was printed, at each kill
        assert [rating.image for rating in kept] == [f"image {number}" for number in range(len(kept))]
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    assert len(read_ratings(path)) == len(kept) - 1
    assert Ratings(path).add("s", "rater", kept[-1].image, "ours", 0)
    assert len(read_ratings(path)) == len(kept)


def test_a_line_that_is_no_rating_is_named(tmp_path):
    (tmp_path / "ratings.jsonl").write_text('{"study": "s"}\n')
    with pytest.raises(UserError, match="line 1"):
        read_ratings(tmp_path / "ratings.jsonl")
