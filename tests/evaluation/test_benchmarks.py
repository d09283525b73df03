"""Benchmark sets by name: from a Hub on loopback, folders of every layout, archives."""

import io
from pathlib import Path

import numpy as np
import pytest
from conftest import photo
from packing import tarred, zipped
from PIL import Image

from fasrgan_hub.errors import UserError
from fasrgan_hub.evaluation.benchmarks import BENCHMARKS, make_benchmark, open_benchmark
from fasrgan_hub.evaluation.image_pairs import make_lr


def png(pixels: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "png")
    return data.getvalue()


def sides(count: int = 2) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """HR images and their LR images, by name."""
    originals = [photo(48, 40 + 8 * seed, seed) for seed in range(count)]
    return (
        {f"{n}.png": png(pixels) for n, pixels in enumerate(originals)},
        {f"{n}.png": png(make_lr(pixels)) for n, pixels in enumerate(originals)},
    )


def write(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FASRGAN_HUB_CACHE", str(tmp_path / "cache"))


def names(benchmark):
    return [(hr.name, lr and lr.name) for hr, lr in benchmark.pairs]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["b.png", "a.png"], [("a.png", None), ("b.png", None)]),
        (["HR/a.png", "LR_x4/a.png", "LR_x2/a.png"], [("a.png", "a.png")]),
        (["HR/a.png", "LR_bicubic/X4/ax4.png"], [("a.png", "ax4.png")]),
        (["Set5_HR/a.png"], [("a.png", None)]),
        (["Canon_001_HR.png", "Canon_001_LR4.png"], [("Canon_001_HR.png", "Canon_001_LR4.png")]),
        (["GTmod12/a.bmp", "LRbicx4/a.png"], [("a.bmp", "a.png")]),
        (["a.png", "results/a.png"], [("a.png", None)]),
    ],
)
def test_folders_of_every_layout(tmp_path, files, expected):
    folder = write(tmp_path / "mine", dict.fromkeys(files, b""))
    assert names(open_benchmark(str(folder))) == expected
    assert open_benchmark(str(folder)).name == "mine"


@pytest.mark.parametrize(
    ("folder", "name"), [("Set5/HR", "Set5"), ("mine/GT", "mine"), ("DIV2K_valid_HR", "DIV2K_valid_HR")]
)
def test_a_folder_that_is_but_called_hr_has_the_name_of_the_one_around(tmp_path, monkeypatch, folder, name):
    place = tmp_path / folder
    place.parent.mkdir(exist_ok=True)
    write(place, {"a.png": b""})
    assert open_benchmark(str(place)).name == make_benchmark(place, None).name == name
    monkeypatch.chdir(place)
    assert open_benchmark(".").name == make_benchmark(Path(), None).name == name


def test_realsr_takes_its_test_images_of_scale_4(tmp_path):
    files = [
        f"{camera}/{part}/{scale}/{camera}_00{n}_{side}.png"
        for camera in ("Canon", "Nikon")
        for part, n in (("Train", 1), ("Test", 2))
        for scale in (2, 4)
        for side in ("HR", f"LR{scale}")
    ]
    benchmark = open_benchmark(f"RealSR v3={write(tmp_path / 'RealSR(V3)', dict.fromkeys(files, b''))}")
    assert benchmark.name == "RealSR v3"
    assert names(benchmark) == [
        ("Canon_002_HR.png", "Canon_002_LR4.png"),
        ("Nikon_002_HR.png", "Nikon_002_LR4.png"),
    ]


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz"])
def test_archives_are_unpacked_once(tmp_path, ending):
    high, low = sides()
    files = {f"HR/{name}": data for name, data in high.items()}
    files |= {f"LR_x4/{name}": data for name, data in low.items()}
    archive = tmp_path / f"mine.{ending}"
    archive.write_bytes(
        zipped(files) if ending == "zip" else tarred(files, "w:gz" if "gz" in ending else "w")
    )
    benchmark = open_benchmark(str(archive))
    assert benchmark.name == "mine" and names(benchmark) == [("0.png", "0.png"), ("1.png", "1.png")]
    assert [hr.read_bytes() for hr, _ in benchmark.pairs] == list(high.values())
    stamps = [hr.stat().st_mtime_ns for hr, _ in benchmark.pairs]
    assert [hr.stat().st_mtime_ns for hr, _ in open_benchmark(str(archive)).pairs] == stamps


def test_no_archive_writes_outside_the_cache(tmp_path):
    archive = tmp_path / "evil.tar"
    archive.write_bytes(tarred({"../../evil.png": png(photo(40, 40))}))
    (original, _), *_ = open_benchmark(str(archive)).pairs
    assert original.resolve().is_relative_to((tmp_path / "cache").resolve())


def test_the_key_is_that_of_the_content(tmp_path):
    high, low = sides()
    one, two = write(tmp_path / "one", high), write(tmp_path / "two", high)
    assert make_benchmark(one, None).key == make_benchmark(two, None).key
    assert make_benchmark(one, write(tmp_path / "low", low)).key != make_benchmark(one, None).key
    write(two, {"0.png": high["1.png"]})
    assert make_benchmark(one, None).key != make_benchmark(two, None).key


def test_what_cannot_be_opened_is_one_line(tmp_path):
    empty = write(tmp_path / "empty", {"notes.txt": b""})
    low = write(tmp_path / "low", {"LR/a.png": b""})
    twice = write(tmp_path / "twice", {"x/a.png": b"", "y/a.png": b""})
    for spec, words in [
        ("Set6", "there is no benchmark 'Set6': name Set5, Set14"),
        (f"mine={tmp_path / 'absent'}", "there is no benchmark"),
        (f"Set5={tmp_path / 'absent'}", "there is no benchmark"),
        ("Manga109", r"asked for at http://www\.manga109\.org.* --set 'Manga109=FOLDER'"),
        ("realsr-v3", "csjcai/RealSR"),
        (str(empty), "no images"),
        (str(low), "no HR images"),
        (str(twice), r"two images named a,"),
    ]:
        with pytest.raises(UserError, match=words) as caught:
            open_benchmark(spec)
        assert "\n" not in str(caught.value)


OPEN = """
from fasrgan_hub.evaluation.benchmarks import open_benchmark
from fasrgan_hub.errors import UserError
try:
    benchmark = open_benchmark({!r})
    print(benchmark.name, *(f"{{hr.name}}-{{lr and lr.name}}-{{hr.stat().st_size}}" for hr, lr in benchmark.pairs))
except UserError as error:
    print(error)
"""


def test_published_sets_come_from_the_hub_once(hub, client, tmp_path):
    """The real datasets and huggingface_hub, and an archive as eugenesiow's are."""
    client.python(f"import os; os.environ['FASRGAN_HUB_CACHE'] = {str(tmp_path / 'hub-cache')!r}")
    high, low = sides()
    hub.create("eugenesiow/Set5", "datasets")
    archives = {
        "data/Set5_HR.tar.gz": tarred({f"Set5_HR/{name}": data for name, data in high.items()}, "w:gz"),
        "data/Set5_LR_x4.tar.gz": tarred({f"Set5_LR_x4/{name}": data for name, data in low.items()}, "w:gz"),
    }
    hub.edit("eugenesiow/Set5", archives, "datasets")
    expected = "Set5 " + " ".join(f"{name}-{name}-{len(data)}" for name, data in high.items())
    assert client.python(OPEN.format("set5")).output.strip() == expected
    hub.requests.clear()
    assert client.python(OPEN.format("Set5")).output.strip() == expected
    assert not hub.requests
    outcome = client.fasrgan("evaluate", "bicubic", "--set", "Set5", "--metrics", "psnr,rmse", "--no-cache")
    assert outcome.status == 0 and "mean" in outcome.output and not hub.requests

    hub.create("goodfellowliu/DIV2K", "datasets")
    zips = {
        "DIV2K_valid_HR.zip": zipped({f"DIV2K_valid_HR/080{name}": data for name, data in high.items()}),
        "DIV2K_valid_LR_bicubic_X4.zip": zipped(
            {f"X4/080{name.replace('.', 'x4.')}": data for name, data in low.items()}
        ),
    }
    hub.edit("goodfellowliu/DIV2K", zips, "datasets")
    assert client.python(OPEN.format("div2k_val")).output.startswith("DIV2K val 0800.png-0800x4.png-")

    printed = client.python(OPEN.format("Set14")).output
    assert (
        printed.startswith("cannot read hf://") and "eugenesiow/Set14" in printed and printed.count("\n") == 1
    )


def test_every_set_of_the_papers_tables_is_known():
    from fasrgan_hub.apps.paper.printed_tables import TABLES

    named = {name for key, table in TABLES.items() if key != "table3" for name in table.benchmarks}
    assert named <= BENCHMARKS.keys()
