"""Datasets through the script: what is killed goes on, and every image comes out once."""

import io
import os
import re
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import upscale_dataset as script
from datasets import Image as ImageFeature
from datasets import load_dataset
from hub_client import Client, processes
from hub_server import Hub
from packing import tabled, tarred, zipped
from PIL import Image
from pyarrow.parquet import ParquetFile

from fasrgan_hub.apps.dataset import upscale as dataset
from fasrgan_hub.apps.dataset.push import push_dataset
from fasrgan_hub.apps.dataset.upscale import ERROR, ITEM, NAME, Share, upscale_dataset
from fasrgan_hub.errors import UserError
from fasrgan_hub.upscaling.upscaler import Upscaler

LAUNCHERS = (
    "accelerate.commands.launch --cpu --num_processes=1",
    "torch.distributed.run --standalone --nproc_per_node=2",
)
SCRIPT = Path(__file__).parents[3] / "scripts" / "upscale_dataset.py"


def encoded(index: int) -> bytes:
    pixels = np.random.default_rng(index).integers(0, 256, (4 + index % 3, 6, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


IMAGES = {f"{index:02d}.png": encoded(index) for index in range(11)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "images"
    path.mkdir()
    for name, data in IMAGES.items():
        (path / name).write_bytes(data)
    return path


def run(data: str, output: Path, world: int = 1, **options) -> None:
    for rank in range(world):
        for _ in upscale_dataset(Upscaler("bicubic"), data, output, share=Share(rank, world), **options):
            pass


def rows(output: Path) -> list[dict]:
    """What `datasets` reads, in the order of the items."""
    loaded = load_dataset(
        "parquet",
        data_files=str(output / "data" / "*.parquet"),
        split="train",
        cache_dir=str(output / "cache"),
    )
    return sorted(loaded, key=lambda row: row[ITEM])


def check(found: list[dict], column: str = "image") -> None:
    """Every image once, and each what the Upscaler makes of it."""
    assert [row[NAME] for row in found] == sorted(IMAGES)
    assert len({row[ITEM] for row in found}) == len(found)
    for row in found:
        expected = Upscaler("bicubic")(Image.open(io.BytesIO(IMAGES[row[NAME]])))
        assert row[ERROR] is None and np.array_equal(row[column], expected)


@pytest.mark.parametrize("world", [1, 3, 20])
def test_a_folder_through_any_number_of_processes(folder: Path, tmp_path: Path, world: int) -> None:
    run(f"folder:{folder}", tmp_path / "out", world, rows=2)
    check(rows(tmp_path / "out"))
    assert len(list((tmp_path / "out/data").iterdir())) == 6


def test_a_column_of_parquet_takes_the_others_along(tmp_path: Path) -> None:
    (tmp_path / "set.parquet").write_bytes(tabled(IMAGES, rows=5))
    run(f"parquet:{tmp_path / 'set.parquet'}:photo", tmp_path / "out", 2, rows=3)
    loaded = load_dataset(
        "parquet",
        data_files=str(tmp_path / "out/data/*.parquet"),
        split="train",
        cache_dir=str(tmp_path / "c"),
    )
    assert isinstance(loaded.features["photo"], ImageFeature)
    found = rows(tmp_path / "out")
    check(found, "photo")
    assert [row["label"] for row in found] == list(range(len(IMAGES)))


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar(tmp_path: Path, mode: str) -> None:
    (tmp_path / "set.tar").write_bytes(tarred(IMAGES, mode))
    output = tmp_path / "out"
    run(f"tar:{tmp_path / 'set.tar'}", output, rows=4)
    before = {path: path.stat().st_mtime_ns for path in (output / "data").iterdir()}
    sorted(before)[1].unlink()
    for marker in (output / ".units").iterdir():
        marker.unlink()
    run(f"tar:{tmp_path / 'set.tar'}", output, rows=4)
    check(rows(output))
    assert sum(path.stat().st_mtime_ns == when for path, when in before.items()) == len(before) - 1


def test_a_damaged_image_is_a_row_that_says_so(folder: Path, tmp_path: Path) -> None:
    (folder / "03.png").write_bytes(IMAGES["03.png"][:40])
    (folder / "04.png").write_text("words")
    run(f"folder:{folder}", tmp_path / "out", rows=4)
    found = rows(tmp_path / "out")
    assert [row[NAME] for row in found] == sorted(IMAGES)
    bad = [row for row in found if row["image"] is None]
    assert [row[NAME] for row in bad] == ["03.png", "04.png"] and all(row[ERROR] for row in bad)


def test_what_cannot_be_had_is_left_for_the_next_run(tmp_path: Path) -> None:
    place, output = tmp_path / "set.zip", tmp_path / "out"
    whole = zipped(IMAGES)
    place.write_bytes(whole.replace(IMAGES["05.png"], bytes(len(IMAGES["05.png"]))))
    with pytest.raises(UserError, match=r"1 of 4 units .*05\.png.*checksum"):
        run(f"zip:{place}", output, rows=3)
    assert len(rows(output)) == len(IMAGES) - 3
    with pytest.raises(UserError, match="1 units are left"):
        push_dataset(output, "org/name")
    place.write_bytes(whole)
    run(f"zip:{place}", output, rows=3)
    check(rows(output))


def test_what_cannot_be_had_can_be_given_up(tmp_path: Path) -> None:
    data = zipped(IMAGES).replace(IMAGES["05.png"], bytes(len(IMAGES["05.png"])))
    (tmp_path / "set.zip").write_bytes(data)
    run(f"zip:{tmp_path / 'set.zip'}", tmp_path / "out", keep_unreadable=True)
    assert [row[NAME] for row in rows(tmp_path / "out") if row["image"] is None] == ["05.png"]


def test_a_damaged_row_group_can_be_given_up(tmp_path: Path) -> None:
    """Its other images, and what the columns beside them hold, come out."""
    place, output = tmp_path / "set.parquet", tmp_path / "out"
    data = bytearray(tabled(IMAGES, rows=5))
    begin = ParquetFile(io.BytesIO(data)).metadata.row_group(1).column(1).dictionary_page_offset
    data[begin : begin + 100] = bytes(100)
    place.write_bytes(data)
    with pytest.raises(UserError, match=r"1 of 3 units .* row group 1 of .*--keep-unreadable"):
        run(f"parquet:{place}", output)
    run(f"parquet:{place}", output, keep_unreadable=True)
    found = rows(output)
    lost = [row for row in found if row["photo"] is None]
    assert [row[NAME] for row in lost] == [f"the rest of row group 1 of {place}"] and lost[0][ERROR]
    assert [row["label"] for row in found if row["photo"]] == [0, 1, 2, 3, 4, 10]


def test_a_stretch_that_breaks_off_earlier_than_before_is_not_done(tmp_path: Path) -> None:
    place, output = tmp_path / "set.tar.gz", tmp_path / "out"
    whole = tarred(IMAGES, "w:gz")
    for share in (0.8, 0.1):
        place.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(UserError, match="1 of 1 units could not be read"):
            run(f"tar:{place}", output, rows=4)
        assert len(list((output / "data").iterdir())) in (1, 2)
    place.write_bytes(whole)
    run(f"tar:{place}", output, rows=4)
    check(rows(output))


def test_results_of_two_kinds_do_not_mix(folder: Path, tmp_path: Path) -> None:
    run(f"folder:{folder}", tmp_path / "out", settings={"model": "bicubic", "scale": 4})
    with pytest.raises(UserError, match="'scale' is 4 and not 2"):
        run(f"folder:{folder}", tmp_path / "out", settings={"model": "bicubic", "scale": 2})
    with pytest.raises(UserError, match="'rows' is 100 and not 2"):
        run(f"folder:{folder}", tmp_path / "out", rows=2)
    (folder / "00.png").rename(folder / "99.png")
    with pytest.raises(UserError, match="'images'"):
        run(f"folder:{folder}", tmp_path / "out")


def test_too_little_memory_is_nobodys_row(folder: Path, tmp_path: Path) -> None:
    def run_out(x):
        raise MemoryError

    upscaler = Upscaler("bicubic")
    upscaler.engine = run_out
    with pytest.raises(UserError, match="not enough memory"):
        list(upscale_dataset(upscaler, str(folder), tmp_path / "out"))
    assert list((tmp_path / "out/data").iterdir()) == []


def _work(arguments: list[str], environment: dict[str, str], last: int) -> None:
    """The script in a process of its own, which is killed when it has done `last` images."""
    os.environ.update(environment)
    plain, done = dataset._upscale_row, count(1)

    def then_die(*arguments):
        result = plain(*arguments)
        if next(done) == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    dataset._upscale_row = then_die
    sys.exit(script.main(arguments))


def _run_processes(folder: Path, output: Path, world: int, last: int) -> list[int | None]:
    line = ["--data", f"folder:{folder}", "--output", str(output), "--model", "bicubic", "--rows", "2"]
    started = []
    for rank in range(world):
        environment = {"RANK": str(rank), "WORLD_SIZE": str(world)}
        process = processes.Process(target=_work, args=(line, environment, last), daemon=True)
        process.start()
        started.append(process)
    for process in started:
        process.join(120)
    return [process.exitcode for process in started]


@pytest.mark.slow
def test_killed_in_the_middle_nothing_is_lost_or_done_twice(folder: Path, tmp_path: Path) -> None:
    """Two processes are killed while they write their second shard; one alone at its first; two finish the rest."""
    output = tmp_path / "out"

    def parts() -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in (output / "data").glob("*.parquet")}

    assert _run_processes(folder, output, 2, last=3) == [-signal.SIGKILL] * 2
    unfinished = list((output / "data").glob(".*"))
    assert len(parts()) == 2 and len(unfinished) in (1, 2)  # who starts late tidies up after one who is dead
    assert _run_processes(folder, output, 1, last=1) == [-signal.SIGKILL]
    before = parts()
    assert len(before) == 2
    assert _run_processes(folder, output, 2, last=0) == [0, 0]
    check(rows(output))
    assert before.items() <= parts().items() and len(list((output / "data").iterdir())) == 6


@pytest.mark.slow
@pytest.mark.parametrize("launch", LAUNCHERS)
def test_under_the_real_launchers(launch: str, folder: Path, tmp_path: Path) -> None:
    arguments = f"--data folder:{folder} --output {tmp_path / 'out'} --model bicubic --rows 2"
    command = [sys.executable, "-m", *launch.split(), str(SCRIPT), *arguments.split()]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert finished.returncode == 0, finished.stderr
    check(rows(tmp_path / "out"))


def test_it_is_pushed_and_opens_from_there(folder: Path, tmp_path: Path, hub: Hub, client: Client) -> None:
    def push(*arguments: str) -> str:
        line = ["--data", f"folder:{folder}", "--output", str(tmp_path / "out"), "--model", "bicubic"]
        code = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r}); import upscale_dataset\n"
        code += f"status = upscale_dataset.main({[*line, *arguments]!r})"
        status, output, errors = client.python(code)
        assert status == 0, errors
        return output

    assert re.fullmatch(r"http://.*org/large.*\n", push("--rows", "4", "--push", "org/large"))
    files = hub.files("org/large", kind="datasets")
    assert sorted(name for name in files if name.endswith(".parquet")) == [
        f"data/00000{i}-0000.parquet" for i in range(3)
    ]
    assert b"data/*.parquet" in files["README.md"]
    code = (
        "from datasets import load_dataset\n"
        "rows = load_dataset('org/large', split='train')\n"
        "print(len(rows), rows[0]['image'].size, rows.features['image'])"
    )
    assert client.python(code).output.startswith(f"{len(IMAGES)} (24, 16) Image(")
    hub.edit("org/large", {"README.md": b"mine", "data/old.parquet": b"x"}, kind="datasets")
    push("--rows", "4", "--push", "org/large")
    files = hub.files("org/large", kind="datasets")
    assert files["README.md"] == b"mine" and "data/old.parquet" not in files
    with pytest.raises(AssertionError, match="'org/large' is public already"):
        push("--rows", "4", "--push", "org/large", "--private")


def test_mistakes_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in (
        ["--data", "nothing:x", "--output", "o"],
        ["--output", "o"],
        ["--data", str(tmp_path), "--output", "o"],
    ):
        assert script.main([*line, "--model", "bicubic"]) == 2
        assert re.fullmatch(r"upscale_dataset.py: error: .*\n", capsys.readouterr().err)
