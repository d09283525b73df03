import pytest

from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation.pairs import images, pair


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
    hr, other = folder(tmp_path / "hr", hr_name), folder(tmp_path / "other", other_name)
    assert names(pair(hr, other)) == [(hr_name, other_name)]


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
