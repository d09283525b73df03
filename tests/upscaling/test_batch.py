from pathlib import Path

import pytest
from PIL import Image

from fasrgan_hub.errors import UserError
from fasrgan_hub.upscaling.batch import upscale_file
from fasrgan_hub.upscaling.jobs import Job, plan
from fasrgan_hub.upscaling.upscaler import Upscaler


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """a.jpg, b.gif, photos/{c.PNG, d.bmp, notes.txt, .hidden.png, deeper/e.png}, empty/; the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.gif", "photos/c.PNG", "photos/d.bmp", "photos/notes.txt", "photos/.hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "photos/deeper").mkdir()
    (tmp_path / "photos/deeper/e.png").touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("inputs", "output", "targets"),
    [
        (["a.jpg"], None, ["a_x4.png"]),
        (["a.jpg"], "big.tif", ["big.tif"]),
        (["a.jpg"], "new/big.webp", ["new/big.webp"]),
        (["a.jpg"], "empty", ["empty/a.jpg"]),
        (["a.jpg"], "new/", ["new/a.jpg"]),
        (["a.jpg", "b.gif"], None, ["a_x4.png", "b_x4.png"]),
        (["a.jpg", "b.gif"], "new", ["new/a.jpg", "new/b.gif"]),
        (["a.jpg", "missing.png"], "new", ["new/a.jpg", "new/missing.png"]),
        (["photos"], "new", ["new/c.PNG", "new/d.png"]),
        (["photos", "a.jpg"], "new", ["new/c.PNG", "new/d.png", "new/a.jpg"]),
    ],
)
def test_outputs_are_where_a_user_expects_them(
    inputs: list[str], output: str | None, targets: list[str]
) -> None:
    assert [str(job.target) for job in plan(inputs, output)] == targets


def test_the_results_of_a_folder_do_not_become_its_next_inputs(folder: Path) -> None:
    for given in ("photos", "photos/", "photos/../photos", str(folder / "photos")):
        assert {job.target for job in plan([given])} == {
            folder / "photos_x4/c.PNG",
            folder / "photos_x4/d.png",
        }


def test_the_working_folder_has_a_name_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder / "photos")
    assert {job.target.parent for job in plan(["."])} == {folder / "photos_x4"}


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["missing.png"], None, "no file 'missing.png'"),
        (["empty"], None, "no pictures in 'empty'"),
        (["a.jpg"], "big.bmp", "end in"),
        (["a.jpg"], "big", "end in"),
        (["a.jpg"], "a.jpg", "is an input"),
        (["a.jpg"], "photos/../a.jpg", "is an input"),
        (["a.jpg"], ".", "is an input"),
        (["photos"], "photos", "is an input"),
        (["photos/c.PNG", "photos/deeper/../c.PNG"], "new", "both"),
        (["a.jpg", "a.png"], None, "both"),
        (["photos/d.bmp", "d.png"], "new", "both"),
    ],
)
def test_what_would_lose_a_picture_is_refused(inputs: list[str], output: str | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        plan(inputs, output)


def test_a_link_to_an_input_is_that_input(folder: Path) -> None:
    (folder / "link.png").symlink_to("a.jpg")
    with pytest.raises(UserError, match="is an input"):
        plan(["a.jpg"], "link.png")


def failing(error: Exception) -> Upscaler:
    """An Upscaler whose network raises `error`."""

    def run(x):
        raise error

    upscaler = Upscaler("bicubic")
    upscaler.engine = run
    return upscaler


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_too_little_memory_is_a_line_and_no_traceback(folder: Path, error: Exception) -> None:
    Image.new("RGB", (3, 3)).save("small.png")

    with pytest.raises(UserError, match=r"not enough memory to enlarge 'small\.png'"):
        upscale_file(failing(error), Job(Path("small.png"), Path("big.png")))
    assert not Path("big.png").exists()


def test_a_fault_of_the_program_is_not_disguised(folder: Path) -> None:
    Image.new("RGB", (3, 3)).save("small.png")

    with pytest.raises(RuntimeError, match="3 channels"):
        upscale_file(failing(RuntimeError("expected 3 channels")), Job(Path("small.png"), Path("big.png")))
