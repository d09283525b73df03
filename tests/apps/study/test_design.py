from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from fasrgan_hub.apps.study.design import load_study, patch
from fasrgan_hub.errors import UserError

IMAGES, METHODS = ["a", "b", "c", "d", "e", "f"], ["bicubic", "ours", "theirs"]


@pytest.fixture
def folder(tmp_path):
    for place in ("HR", *METHODS):
        (tmp_path / "study" / place).mkdir(parents=True)
        for name in IMAGES:
            Image.new("RGB", (8, 8)).save(tmp_path / "study" / place / f"{name}.png")
    return tmp_path / "study"


def test_every_rater_sees_every_result_once_and_never_an_image_twice_in_a_row(folder):
    study = load_study(folder)
    assert len(study.items) == 18
    for rater in map(str, range(50)):
        order = study.order(rater)
        assert Counter(order) == Counter(study.items)
        assert all(a.image != b.image for a, b in pairwise(order))
        assert order == load_study(folder).order(rater)


def test_the_order_is_balanced_within_a_rater_and_random_over_raters(folder):
    study = load_study(folder)
    for rater in map(str, range(20)):
        for start in range(0, 18, 6):
            shown = study.order(rater)[start : start + 6]
            assert Counter(item.method for item in shown) == dict.fromkeys(METHODS, 2)
            assert {item.image for item in shown} == set(IMAGES)
    first = Counter(study.order(str(rater))[0].method for rater in range(600))
    assert all(150 < first[method] < 250 for method in METHODS)
    assert len({tuple(study.order(str(rater))) for rater in range(20)}) == 20


def test_texts_may_be_given(folder):
    assert load_study(folder).title == "study" and "random number" in load_study(folder).consent
    (folder / "study.json").write_text('{"title": "Faces"}')
    assert load_study(folder).title == "Faces"
    (folder / "study.json").write_text("[]")
    with pytest.raises(UserError, match="no object"):
        load_study(folder)
    (folder / "study.json").write_text("{")
    with pytest.raises(UserError, match="JSON"):
        load_study(folder)


def test_what_is_no_study_is_refused(folder, tmp_path):
    with pytest.raises(UserError, match="HR"):
        load_study(tmp_path)
    (folder / "ours" / "c.png").unlink()
    with pytest.raises(UserError, match=r"c\.png"):
        load_study(folder)
    (tmp_path / "bare" / "HR").mkdir(parents=True)
    with pytest.raises(UserError, match="no results"):
        load_study(tmp_path / "bare")


def test_the_patch_is_where_the_detail_is():
    image = np.full((60, 80, 3), 128, np.uint8)
    image[40:56, 60:76] = np.random.default_rng(0).integers(0, 256, (16, 16, 3))
    rows, columns = patch(image, 16)
    assert rows.stop - rows.start == columns.stop - columns.start == 16
    assert image[rows, columns].std() > 40
    assert patch(image[:10, :12], 16) == (slice(0, 10), slice(0, 10))
