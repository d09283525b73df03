"""Crops of LR/HR pairs: both show the same place, and what does not fit is refused."""

from itertools import islice

import numpy as np
import pytest
import torch
from conftest import photo
from PIL import Image
from streams import stream

from fasrgan_hub.data.degradations import read_mixture
from fasrgan_hub.errors import UserError


@pytest.mark.parametrize(
    "names", [("{}.png", "{}.png"), ("a/{}x4.png", "a/{}.png"), ("Canon_{}_LR4.png", "Canon_{}_HR.png")]
)
def test_pairs_give_the_same_crop_of_both(tmp_path, names):
    """Every LR pixel holds its own position, and so do the 16 HR pixels that it stands for."""
    for index in range(3):
        rows, columns = np.mgrid[: 20 + index, : 30 - index]
        lr = np.stack([rows, columns, np.full_like(rows, index)], axis=-1).astype(np.uint8)
        hr = np.pad(lr.repeat(4, 0).repeat(4, 1), [(0, index), (0, 0), (0, 0)])
        apart = names[0] == names[1] or "/" in names[0]
        for place, pattern, pixels in [("lr", names[0], lr), ("hr", names[1], hr)]:
            path = tmp_path / (place if apart else "both") / pattern.format(index)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    folders = ("lr", "hr") if apart else ("both", "both")
    crops = stream("pairs:{0}/{1},{0}/{2}".format(tmp_path, *folders), window=3)
    seen = set()
    for pair in islice(crops, 60):
        assert pair["lr"].shape == (3, 8, 8) and pair["hr"].shape == (3, 32, 32)
        for offset in range(4):
            assert torch.equal(pair["hr"][:, offset::4, offset::4], pair["lr"])
        seen.add(int(pair["lr"][2, 0, 0] * 255))
    assert seen == {0, 1, 2} and not crops.skipped


def test_pairs_that_do_not_fit(tmp_path):
    for place, name, side in [("lr", "a", 16), ("hr", "a", 64), ("lr", "b", 20), ("hr", "b", 64)]:
        (tmp_path / place).mkdir(exist_ok=True)
        Image.fromarray(photo(side, side)).save(tmp_path / place / f"{name}.png")
    spec = f"pairs:{tmp_path}/lr,{tmp_path}/hr"
    with pytest.warns(UserWarning, match="b.png: 64x64 is not 4 times 20x20"):
        list(islice(stream(spec), 3))
    (tmp_path / "lr" / "a.png").unlink()
    with pytest.raises(UserError, match=r"no partner for a\.png"):
        stream(spec)
    Image.fromarray(photo(64, 64)).save(tmp_path / "hr" / "b.jpg")
    with pytest.raises(UserError, match=r"b\.jpg and b\.png; keep one"):
        stream(spec)


def test_paired_images_keep_their_lr(tmp_path):
    for place, side in [("lr", 16), ("hr", 64)]:
        (tmp_path / place).mkdir()
        Image.fromarray(photo(side, side)).save(tmp_path / place / "a.png")
    spec = f"pairs:{tmp_path}/lr,{tmp_path}/hr"
    for plain, mixed in zip(
        islice(stream(spec), 4), islice(stream(spec, degradation=read_mixture("real")), 4), strict=True
    ):
        assert torch.equal(plain["lr"], mixed["lr"])
