import json
import os
from pathlib import Path

import pytest
from PIL import Image

from fasrgan_hub.apps.cli.batch import summarize, upscale_file
from fasrgan_hub.apps.cli.jobs import UpscaleJob, make_folders, plan
from fasrgan_hub.apps.cli.main import main
from fasrgan_hub.apps.cli.naming import Naming
from fasrgan_hub.errors import UserError
from fasrgan_hub.images.atomic import replace_file
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
        (["a.jpg"], "empty", ["empty/a.png"]),
        (["a.jpg"], "new/", ["new/a.png"]),
        (["a.jpg", "b.gif"], None, ["a_x4.png", "b_x4.png"]),
        (["a.jpg", "b.gif"], "new", ["new/a.png", "new/b.png"]),
        (["a.jpg", "missing.png"], "new", ["new/a.png", "new/missing.png"]),
        (["a*.jpg"], "big.tif", ["big.tif"]),
        (["photos"], "new", ["new/c.PNG", "new/d.png"]),
        (["photos", "a.jpg"], "new", ["new/c.PNG", "new/d.png", "new/a.png"]),
        (["photos/deeper"], "new.jpg", ["new.jpg"]),
    ],
)
def test_outputs_are_where_a_user_expects_them(
    inputs: list[str], output: str | None, targets: list[str]
) -> None:
    assert [str(job.target) for job in plan(inputs, output)] == targets


@pytest.mark.parametrize(
    ("inputs", "output", "options", "targets"),
    [
        (["photos"], "new", {"recursive": True}, ["new/c.PNG", "new/d.png", "new/deeper/e.png"]),
        (["photos/deeper", "a.jpg"], "new", {"recursive": True}, ["new/e.png", "new/a.png"]),
        (["*.[jg]*"], "new", {}, ["new/a.png", "new/b.png"]),
        (["a*"], "new", {}, ["new/a.png"]),
        (["a*"], None, {}, ["a_x4.png"]),
        (["photos/**/*.p*"], "new", {}, ["new/e.png"]),
        (["a.jpg"], None, {"models": ["bicubic", "org/net"]}, ["a_x4_bicubic.png", "a_x4_net.png"]),
        (["a.jpg"], "big.tif", {"models": ["bicubic", "net"]}, ["big_bicubic.tif", "big_net.tif"]),
        (["a.jpg"], "new/", {"models": ["m1", "m2"]}, ["new/a_m1.png", "new/a_m2.png"]),
    ],
)
def test_trees_patterns_scales_and_models(
    inputs: list[str], output: str | None, options: dict, targets: list[str]
) -> None:
    assert [str(job.target) for job in plan(inputs, output, **options)] == targets


@pytest.mark.parametrize(
    ("inputs", "output", "options", "targets"),
    [
        (["a.jpg"], None, {"scale": 2}, ["a_x2.png"]),
        (["a.jpg"], None, {"scale": 2.5}, ["a_x2.5.png"]),
        (["a.jpg"], None, {"format": "jpg"}, ["a_x4.jpg"]),
        (["a.jpg"], None, {"suffix": ""}, ["a.png"]),
        (["a.jpg"], None, {"suffix": "-big", "format": ".WebP"}, ["a-big.webp"]),
        (["a.jpg", "photos"], "new", {"format": "same"}, ["new/a.jpg", "new/c.PNG", "new/d.png"]),
        (["a.jpg", "photos"], "new", {"format": "tif"}, ["new/a.tif", "new/c.tif", "new/d.tif"]),
        (["a.jpg", "b.gif"], "new", {"suffix": "_4k"}, ["new/a_4k.png", "new/b_4k.png"]),
        (["a.jpg"], "big.jpg", {"format": "jpeg"}, ["big.jpg"]),
    ],
)
def test_names_take_scale_suffix_and_format(
    inputs: list[str], output: str | None, options: dict, targets: list[str]
) -> None:
    assert [str(job.target) for job in plan(inputs, output, naming=Naming(**options))] == targets


def test_a_folder_beside_itself_takes_the_suffix_in_its_names(folder: Path) -> None:
    jobs = plan(["photos"], naming=Naming(scale=2, suffix="_big", format="jpg"))
    assert {str(job.target.relative_to(folder)) for job in jobs} == {
        "photos_x2/c_big.jpg",
        "photos_x2/d_big.jpg",
    }


@pytest.mark.parametrize(
    ("inputs", "output", "options", "message"),
    [
        (["a.jpg", "b.gif"], "out.png", {}, "'out.png' names one file, but there are 2 images"),
        (["photos"], "out.png", {}, "2 images"),
        (["*.[jg]*"], "out.bmp", {}, "2 images"),
        (["a.jpg"], "out.png", {"format": "jpg"}, "leave --format out"),
        (["a.jpg"], "out.png", {"suffix": "_x4"}, "leave --suffix out"),
        (["a.jpg"], None, {"format": "bmp"}, "--format is 'bmp'; it can be same, avif"),
        (["a.jpg"], None, {"suffix": "up/x"}, "without /"),
        (["a.jpg", "a.png"], "new", {}, "keep their formats with --format same"),
        (["*.jpg"], None, {"suffix": "", "format": "same"}, "is an input"),
    ],
)
def test_names_that_contradict_each_other_are_refused(
    inputs: list[str], output: str | None, options: dict, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        plan(inputs, output, naming=Naming(**options))


def test_a_pattern_leaves_out_results_in_the_chosen_format(folder: Path) -> None:
    for name in ("a_x4.jpg", "b.jpg", "b_x4.png"):
        (folder / name).touch()
    jobs = plan(["*.jpg", "b*.png"], naming=Naming(format="jpg"))
    assert [job.source.name for job in jobs] == ["a.jpg", "b.jpg", "b_x4.png"]


def test_a_file_whose_name_looks_like_a_pattern(folder: Path) -> None:
    Path("a[1].png").touch()
    Path("a1.png").touch()
    assert [job.source.name for job in plan(["a[1].png"])] == ["a[1].png"]


def test_a_tree_is_named_and_kept_beside_itself(folder: Path) -> None:
    targets = {str(job.target.relative_to(folder)) for job in plan(["photos"], recursive=True)}
    assert targets == {"photos_x4/c.PNG", "photos_x4/d.png", "photos_x4/deeper/e.png"}


def test_results_inside_of_a_tree_do_not_become_its_next_inputs(folder: Path) -> None:
    (folder / "photos/big/deeper").mkdir(parents=True)
    (folder / "photos/big/c.png").touch()
    (folder / "photos/.thumbnails").mkdir()
    (folder / "photos/.thumbnails/c.png").touch()
    for output in ("photos/big", "photos/big/", str(folder / "photos/big")):
        assert len(plan(["photos"], output, recursive=True)) == 3


def test_results_do_not_become_the_next_inputs_of_a_pattern(folder: Path) -> None:
    """Those of other models and of images that are gone neither."""
    (folder / "big").mkdir()
    for name in ("b.png", "b_x4.png", "big/b.png", "big/b_net.png", "big/gone.png"):
        (folder / name).touch()
    assert [job.source.name for job in plan(["*.png"])] == ["b.png"]
    assert [job.source.name for job in plan(["**/*.png"], "big/")] == ["b.png", "b_x4.png", "e.png"]
    (folder / "a_x4_net.png").touch()
    jobs = plan(["*.jpg", "a*.png"], models=["bicubic", "net"])
    assert [job.target.name for job in jobs] == ["a_x4_bicubic.png", "a_x4_net.png"]
    with pytest.raises(UserError, match="is an input"):
        plan(["b.png", "b_x4.png"])


def test_a_link_in_a_tree_that_leads_back_is_not_followed(folder: Path) -> None:
    (folder / "photos/deeper/up").symlink_to(folder / "photos")
    assert len(plan(["photos"], "new", recursive=True)) == 3


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
        (["empty"], None, "no images in 'empty'"),
        (["a.jpg"], "big.bmp", "end in"),
        (["a.jpg"], "big", "end in"),
        (["a.jpg"], "a.jpg", "is an input"),
        (["a.jpg"], "photos/../a.jpg", "is an input"),
        (["photos/c.PNG"], "photos", "is an input"),
        (["photos/*.PNG"], "photos", "is an input"),
        (["a.jpg"], "", "no name"),
        (["a.jpg", "b.gif"], "", "no name"),
        (["photos"], "photos", "is an input"),
        (["photos/c.PNG", "photos/deeper/../c.PNG"], "new", "both"),
        (["a.jpg", "a.png"], None, "both"),
        (["photos/d.bmp", "d.png"], "new", "both"),
        (["*.xyz"], "new", "no images that match"),
        (["photos/notes.*"], "new", "no images that match"),
    ],
)
def test_what_would_lose_an_image_is_refused(inputs: list[str], output: str | None, message: str) -> None:
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
    job = UpscaleJob(Path("small.png"), Path("big.png"))
    result = upscale_file(job, failing(error))
    assert result.status == "failed" and "not enough memory to enlarge 'small.png'" in result.error
    assert not Path("big.png").exists()


def test_a_batch_goes_on_after_a_fault_of_the_program(folder: Path) -> None:
    jobs = two_images()
    upscaler = Upscaler("bicubic")
    engine = upscaler.engine

    def fail_once(x):
        upscaler.engine = engine
        raise RuntimeError("expected\n3 channels")

    upscaler.engine = fail_once
    first, second = (upscale_file(job, upscaler) for job in jobs)
    assert first.error == r"cannot enlarge 'one.png': RuntimeError('expected\n3 channels')"
    assert not jobs[0].target.exists() and second.status == "done"


def two_images() -> list[UpscaleJob]:
    for name in ("one.png", "two.png"):
        Image.new("RGB", (3, 2), "red").save(name)
    return plan(["one.png", "two.png"])


def test_what_is_done_is_skipped_unless_its_source_is_newer(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = two_images()

    def statuses(*words: str) -> list[str]:
        assert main(["upscale", "one.png", "two.png", "--model", "bicubic", "--json", *words]) == 0
        return [json.loads(line)["status"] for line in capsys.readouterr().out.splitlines()]

    assert statuses("--skip-done") == ["done", "done"]
    assert statuses("--skip-done") == ["skipped", "skipped"]
    later = jobs[0].target.stat().st_mtime + 10
    os.utime("one.png", (later, later))
    assert statuses("--skip-done") == ["done", "skipped"]
    assert statuses() == ["done", "done"]


def test_outcomes_tell_what_happened(folder: Path) -> None:
    Path("broken.png").write_text("words")
    jobs = [*two_images(), UpscaleJob(Path("broken.png"), Path("broken_x4.png"))]
    upscaler = Upscaler("bicubic", match_color=True)
    first, second, broken = (upscale_file(job, upscaler) for job in jobs)
    assert (first.status, first.size, first.engine) == ("done", (12, 8), "bicubic")
    assert first.color_shift == second.color_shift == pytest.approx((0, 0, 0), abs=0.01)
    assert broken.status == "failed" and "not an image" in broken.error and broken.size is None
    assert broken.color_shift is None
    record = json.loads(json.dumps(first.record()))
    assert record["source"] == "one.png" and record["size"] == [12, 8] and record["error"] is None
    line = summarize([first, second, broken], 1.0)
    assert line.startswith("2 done, 1 failed; 0.0 megapixels in 1.0 s (bicubic)") and "color shift" in line


def test_half_files_of_killed_runs_go_and_those_at_work_stay(folder: Path) -> None:
    left = folder / f".{'0' * 32}.partial"
    left.touch()
    (folder / ".mine.partial").touch()
    with replace_file(folder / "x.png") as file:
        make_folders(plan(["a.jpg"]))
        assert not left.exists() and (folder / ".mine.partial").exists()
        file.write(b"whole")
    assert (folder / "x.png").read_bytes() == b"whole"
