import time

import pytest

from fasrgan_hub.data.pairs import images, pair, pair_below, pair_files
from fasrgan_hub.errors import UserError


def folder(path, *names):
    path.mkdir()
    for name in names:
        (path / name).touch()
    return path


def names(pairs):
    return [(a.name, b.name) for a, b in pairs]


def test_the_same_name_pairs_whatever_the_extension(tmp_path):
    hr = folder(tmp_path / "hr", "b.png", "a.png", "notes.txt", ".hidden.png")
    sr = folder(tmp_path / "sr", "a.jpg", "b.webp", "unasked.png")
    assert names(pair(hr, sr)) == [("a.png", "a.jpg"), ("b.png", "b.webp")]


@pytest.mark.parametrize(
    ("hr_name", "other_name"),
    [
        ("0801.png", "0801x4.png"),
        ("baby.png", "baby_x4.png"),
        ("baby.png", "baby_SR.png"),
        ("baby_HR.png", "baby_LR.png"),
        ("img_001_SRF_4_HR.png", "img_001_SRF_4_LR.png"),
        ("img_001.png", "img_001_SRF_4_bicubic.png"),
        ("baby.png", "baby_LR_x4.png"),
        ("baby.png", "babyx4_SR.png"),
        ("Canon_001_HR.png", "Canon_001_LR4.png"),
        ("0801.png", "0801x4m.png"),
        ("baby_GT.bmp", "Baby.png"),
        ("img_001.png", "img001x4.png"),
        ("baby.png", "baby_FASRGAN.png"),
        ("baby.png", "FASRGAN-baby_x4_best.png"),
        ("img_001_SRF_4_HR.png", "img_001_ESRGAN_300k.png"),
        ("0801.png", "0801x4_RRDB.png"),
        ("Baby.PNG", "baby_x4.JPG"),
        ("baby_HR_x4.png", "baby_LRBI_x4.png"),
        ("img001.png", "img_001_SRF_4_SRGAN-VGG54.png"),
        ("img_001.png", "img1.png"),
        ("0801.png", "801_out.png"),
        ("0801.png", "DIV2K0801_out.png"),
        ("101085.png", "101085-EnhanceNet.png"),
    ],
)
def test_the_usual_suffixes_are_tolerated(tmp_path, hr_name, other_name):
    """For benchmarks and results, and for training data, in a folder below as well."""
    hr, other = folder(tmp_path / "hr", hr_name), folder(tmp_path / "other", other_name)
    assert names(pair(hr, other)) == names(pair_below(hr, other)) == [(hr_name, other_name)]


def test_the_exact_name_goes_before_a_suffixed_one(tmp_path):
    hr = folder(tmp_path / "hr", "a.png", "a_x4.png")
    sr = folder(tmp_path / "sr", "a.png", "a_x4.png")
    assert names(pair(hr, sr)) == [("a.png", "a.png"), ("a_x4.png", "a_x4.png")]


@pytest.mark.parametrize("other", ["babys.png", "mybaby.png", "babyhr.png", "x4.png"])
def test_other_names_do_not_pair(tmp_path, other):
    hr, sr = folder(tmp_path / "hr", "baby.png"), folder(tmp_path / "sr", other)
    with pytest.raises(UserError, match=r"no partner for baby\.png"):
        pair(hr, sr)


def test_a_name_of_nothing_but_suffix_stays_itself(tmp_path):
    hr, sr = folder(tmp_path / "hr", "x4.png"), folder(tmp_path / "sr", "x2.png")
    with pytest.raises(UserError, match="no partner"):
        pair(hr, sr)


def test_the_longer_name_takes_what_both_stand_in(tmp_path):
    hr = folder(tmp_path / "hr", "a.png", "a_b.png", "img_1.png", "img_10.png")
    sr = folder(tmp_path / "sr", "a_b_GAN.png", "a_GAN.png", "img_10_GAN.png", "img_1_GAN.png")
    assert names(pair(hr, sr)) == [
        ("a.png", "a_GAN.png"),
        ("a_b.png", "a_b_GAN.png"),
        ("img_1.png", "img_1_GAN.png"),
        ("img_10.png", "img_10_GAN.png"),
    ]


@pytest.mark.parametrize(
    "other",
    ["{}_ESRGAN_4.png", "ESRGAN_{}_x4.png", "DIV2K_{:03}_out.png", "net_x4plus_{}.png", "{}_SRF_4_SR.png"],
)
def test_numbers_find_their_own(tmp_path, other):
    numbers = range(1, 13)
    hr = folder(tmp_path / "hr", *(f"{n}.png" for n in numbers))
    sr = folder(tmp_path / "sr", *(other.format(n) for n in numbers), "average.png")
    assert set(names(pair(hr, sr))) == {(f"{n}.png", other.format(n)) for n in numbers}


def test_one_result_is_no_partner_of_two_originals(tmp_path):
    hr, sr = folder(tmp_path / "hr", "a.png", "b.png"), folder(tmp_path / "sr", "a_b_GAN.png")
    with pytest.raises(UserError, match=r"no partner for b\.png"):
        pair(hr, sr)
    hr, sr = folder(tmp_path / "hr2", "a.png", "a_x4.png"), folder(tmp_path / "sr2", "a_SR.png")
    with pytest.raises(UserError, match=r"no partner for a_x4\.png"):
        pair(hr, sr)


def test_two_partners_are_refused(tmp_path):
    hr, sr = folder(tmp_path / "hr", "a.png"), folder(tmp_path / "sr", "a_x2.png", "a_x4.png")
    with pytest.raises(UserError, match=r"a_x2\.png and a_x4\.png"):
        pair(hr, sr)
    with pytest.raises(UserError, match=r"b\.jpg and b\.png"):
        images(folder(tmp_path / "twice", "b.png", "b.jpg", "c.png"))


def test_files_pair_with_files_and_folders(tmp_path):
    hr, sr = folder(tmp_path / "hr", "a.png", "b.png"), folder(tmp_path / "sr", "a.png", "b.png")
    assert pair(hr / "a.png", sr / "b.png") == [(hr / "a.png", sr / "b.png")]
    assert pair(hr / "b.png", sr) == [(hr / "b.png", sr / "b.png")]


def test_nothing_there_is_said(tmp_path):
    with pytest.raises(UserError, match="there is no folder"):
        images(tmp_path / "absent")
    with pytest.raises(UserError, match="no images"):
        images(folder(tmp_path / "empty", "notes.txt"))


@pytest.mark.parametrize(
    ("hr_name", "lr_name"),
    [
        ("{}_HR.png", "{}_LR4.png"),
        ("{}_HR_x4.png", "{}_LR_x4.png"),
        ("{}_GT.png", "{}_LR.png"),
        ("img_{}_SRF_4_HR.png", "img_{}_SRF_4_LR.png"),
    ],
)
def test_training_pairs_lie_in_one_folder_or_in_folders_of_one_path(tmp_path, hr_name, lr_name):
    numbers = ("001", "002")
    for inner in ("Canon", "Nikon"):
        both = [name.format(number) for number in numbers for name in (hr_name, lr_name)]
        folder(tmp_path / inner, *both, "notes.txt")
    expected = [(hr_name.format(number), lr_name.format(number)) for number in numbers]
    assert names(pair_below(tmp_path, tmp_path)) == expected * 2
    assert all(hr.parent == lr.parent for hr, lr in pair_below(tmp_path, tmp_path))


def test_training_pairs_are_of_the_same_folder(tmp_path):
    for place in ("hr", "lr"):
        (tmp_path / place).mkdir()
    folder(tmp_path / "hr" / "a", "0801.png")
    folder(tmp_path / "lr" / "b", "0801x4m.png")
    with pytest.raises(UserError, match=r"a' has no partner for 0801\.png"):
        pair_below(tmp_path / "hr", tmp_path / "lr")
    folder(tmp_path / "lr" / "a", "0801x4m.png", "0801x4m.jpg")
    with pytest.raises(UserError, match=r"0801x4m\.jpg and 0801x4m\.png; keep one"):
        pair_below(tmp_path / "hr", tmp_path / "lr")


def test_thousands_of_images_pair_at_once(tmp_path):
    """DIV2K and Flickr2K together have 3,450: comparing each with each would take minutes."""
    numbers = range(3450)
    originals = [tmp_path / f"{number:06}.png" for number in numbers]
    others = [tmp_path / f"{number:06}x4.png" for number in reversed(numbers)]
    started = time.perf_counter()
    assert pair_files(originals, others, tmp_path) == list(zip(originals, reversed(others), strict=True))
    assert time.perf_counter() - started < 5
