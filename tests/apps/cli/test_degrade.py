"""`fasrgan degrade`: LR images and the sheet of pairs, the same every time."""

import numpy as np
import pytest
from conftest import photo
from PIL import Image

from fasrgan_hub.apps.cli.degrade import draw_sheet
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.data.degradations import PRESETS
from fasrgan_hub.data.degradations.fixed import degrade_image


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for name, sides in [("a.png", (64, 48)), ("b.jpg", (35, 50))]:
        Image.fromarray(photo(*sides)).save(tmp_path / "in" / name)
    return tmp_path / "in"


def test_images_and_the_sheet(folder, tmp_path):
    out = tmp_path / "out"
    assert main(["degrade", str(folder), "-o", str(out), "--preset", "camera", "--seed", "5"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "b.png", "contact-sheet.png"]
    lr = np.asarray(Image.open(out / "a.png"))
    assert np.array_equal(lr, degrade_image(photo(64, 48), "a", PRESETS["camera"], 4, 5))
    assert Image.open(out / "b.png").size == (12, 8)
    sheet = np.asarray(Image.open(out / "contact-sheet.png"))
    assert np.array_equal(sheet[8:72, 8:56], photo(64, 48))
    assert np.array_equal(sheet[8:72, 64:112][::4, ::4], lr)


def test_sheets_are_three_pairs_wide():
    pair = (np.zeros((4, 6, 3), np.uint8),) * 2
    assert draw_sheet([pair] * 4, gap=1).shape == (11, 43, 3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "webb"], "there is no degradation 'webb'"),
        (["--scale", "0"], "scale is 0 and seed 0; scale must be 1 to 8"),
        (["--seed", "-1"], "seed 0 or more"),
    ],
)
def test_mistakes(folder, tmp_path, words, message, capsys):
    assert main(["degrade", str(folder), "-o", str(tmp_path / "out"), *words]) == 2
    assert message in capsys.readouterr().err


def test_a_bad_file_does_not_stop_the_others(folder, tmp_path, capsys):
    (folder / "bad.png").write_text("no image")
    Image.fromarray(photo(64, 48)).save(folder / "b.webp")
    assert main(["degrade", str(folder), "-o", str(tmp_path / "out")]) == 2
    assert "would both become" in capsys.readouterr().err
    (folder / "b.webp").unlink()
    assert main(["degrade", str(folder), "-o", str(tmp_path / "out")]) == 2
    assert "1 of 3 images failed" in capsys.readouterr().err
    assert (tmp_path / "out" / "b.png").is_file()
