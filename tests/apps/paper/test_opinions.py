import json
import math

import pytest

from fasrgan_hub.apps.paper.opinions import agreement, opinion_scores, read_opinions
from fasrgan_hub.apps.study.ratings import Rating, Ratings
from fasrgan_hub.errors import UserError


def rate(rater, image, score, method="m"):
    return Rating("s", str(rater), str(image), method, score, "")


def test_krippendorffs_own_example():
    """Three observers and 15 units; alpha for interval data is 0.811."""
    observers = [
        "* * * * * 3 4 1 2 1 1 3 3 * 3",
        "1 * 2 1 3 3 4 3 * * * * * * *",
        "* * 2 1 3 4 4 * 2 1 1 3 3 * 4",
    ]
    ratings = [
        rate(rater, unit, int(score))
        for rater, line in enumerate(observers)
        for unit, score in enumerate(line.split())
        if score != "*"
    ]
    assert agreement(ratings) == pytest.approx(0.811, abs=5e-4)


def test_agreement_at_its_ends():
    assert agreement([rate(r, p, p) for r in range(3) for p in range(4)]) == pytest.approx(1)
    assert agreement([rate(r, p, (r + p) % 2) for r in range(2) for p in range(4)]) < 0
    assert math.isnan(agreement([rate(0, p, p) for p in range(4)]))  # nothing was rated twice
    assert math.isnan(agreement([rate(r, 0, 2) for r in range(4)]))  # nothing differs


def test_means_and_intervals():
    ratings = [rate(r, p, score, m) for m, score in (("a", 1), ("b", 3)) for r in range(5) for p in range(2)]
    ratings += [rate(9, 0, 4, "a")]
    scores = opinion_scores(ratings)
    assert list(scores) == ["a", "b"]
    assert scores["a"].mean == pytest.approx(14 / 11) and scores["a"].n == 11
    assert scores["a"].low == 1 < scores["a"].mean < scores["a"].high
    assert (scores["b"].low, scores["b"].mean, scores["b"].high) == (3, 3, 3)
    assert opinion_scores(ratings) == scores  # the same draws every time
    few = opinion_scores([r for r in ratings if r.rater in "09"])["a"]
    assert few.high - few.low > scores["a"].high - scores["a"].low


def test_both_kinds_of_file(tmp_path):
    ratings = [Rating("s", "r1", "p1", "FASRGAN", 2, "t"), Rating("s", "r2", "p1", "FASRGAN", 0, "t")]
    lines = tmp_path / "a.jsonl"
    lines.write_text("\n".join(json.dumps(vars(r)) for r in ratings) + "\n")
    table = tmp_path / "a.csv"
    table.write_text("study,rater,image,method,score,time\ns,r1,p1,FASRGAN,2,t\ns,r2,p1,FASRGAN,0,t\n")
    assert read_opinions(lines) == read_opinions(table) == ratings
    table.write_text("rater,image,method,score\nr1,p1,FASRGAN,2\n")
    assert read_opinions(table) == [Rating("", "r1", "p1", "FASRGAN", 2, "")]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.jsonl", "", "no ratings"),
        ("a.jsonl", '{"rater": "r"}\n', "line 1 of .* no rating"),
        ("a.jsonl", '\n{"rater": "r"\n', "line 2"),
        ("a.jsonl", "[1]\n", "line 1"),
        ("a.jsonl", '{"rater": "r"}', "line 1"),
        ("a.jsonl", '{"rater": "r"', "no ratings"),
        ("a.csv", "rater,image,method,score\nr,p,m,5\n", "line 2 of .*score is 5; it must be 0 to 4"),
        ("a.csv", "rater,image,method,score\nr,p,m,1.5\n", "1.5"),
        ("a.csv", "rater,image,method,score\nr,p,m,nan\n", "nan"),
        ("a.csv", "rater,image\nr,p\n", "line 2"),
    ],
)
def test_what_is_no_rating_is_said(tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=words):
        read_opinions(tmp_path / name)


def test_the_folder_of_a_study_is_read_whole(tmp_path):
    """What two runs of the server have written, as the study writes it; the mean is that of all."""
    for number, score in enumerate((1, 4)):
        Ratings(tmp_path / f"ratings-{number}.jsonl").add("s", f"{number:016x}", "baby", "ours", score)
    (tmp_path / "ratings-9.jsonl").touch()
    ratings = read_opinions(tmp_path)
    assert sorted(rating.score for rating in ratings) == [1, 4]
    assert opinion_scores(ratings)["ours"].mean == 2.5
    for file in tmp_path.iterdir():
        with file.open("a") as torn:
            torn.write('{"study": "s", "rat')
    assert read_opinions(tmp_path) == ratings


def test_a_folder_without_ratings_is_said(tmp_path):
    with pytest.raises(UserError, match="holds no ratings"):
        read_opinions(tmp_path)
    (tmp_path / "ratings-0.jsonl").touch()
    with pytest.raises(UserError, match="holds no ratings"):
        read_opinions(tmp_path)
