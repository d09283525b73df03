"""Every kind of source: the same bytes as in the files, at the cost of the images alone."""

import io
import zipfile

import numpy as np
import pytest
from datasets.distributed import split_dataset_by_node
from loopback import serve
from packing import tabled, tarred, zipped

from fasrgan_hub.data import archives
from fasrgan_hub.data.sources import open_source
from fasrgan_hub.errors import UserError

IMAGES = {f"set/{i:04}.png": np.random.default_rng(i).bytes(500_000 + 7919 * i) for i in range(7)}
OTHER = {"set/read me.txt": b"no image" * 99, "__MACOSX/set/._0001.png": b"resource fork"}


def contents(spec: str) -> dict[str, bytes]:
    return {row["name"]: row["read"]() for row in open_source(spec, seed=0)}


def cost(files: dict[str, bytes]) -> int:
    return sum(map(len, files.values()))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_remote_zip_costs_its_images_and_one_request_each(method):
    archive = zipped(IMAGES | OTHER, compression=method)
    with serve({"/a.zip": archive}) as server:
        assert contents(f"zip:{server.url}/a.zip") == IMAGES
    assert server.sent <= 1.05 * cost(IMAGES)
    assert len(server.requests) <= 2 + len(IMAGES)
    assert {method for method, *_ in server.requests} == {"GET"}


def test_zips_of_every_make(tmp_path):
    """From a stream (sizes follow the data), after a program, with a comment, and in several parts."""

    class Pipe(io.RawIOBase):
        written = b""

        def writable(self):
            return True

        def write(self, data):
            self.written += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"made by a pipe"
        for name, data in IMAGES.items():
            archive.writestr(name, data)
    for name, data in {
        "pipe.zip": pipe.written,
        "self-extracting.zip": b"#!/bin/sh\n" + zipped(IMAGES),
    }.items():
        (tmp_path / name).write_bytes(data)
        assert contents(f"zip:{tmp_path / name}") == IMAGES
    names = sorted(IMAGES)
    for part in range(2):
        some = {name: IMAGES[name] for name in names[part::2]}
        (tmp_path / f"part-{part:02}.zip").write_bytes(zipped(some))
    assert contents(f"zip:{tmp_path}/part-{{00..01}}.zip") == IMAGES


def test_a_zip_whose_directory_exceeds_the_tail(monkeypatch):
    monkeypatch.setattr(archives, "TAIL", 200)
    with serve({"/a.zip": zipped(IMAGES)}) as server:
        assert contents(f"zip:{server.url}/a.zip") == IMAGES
    assert len(server.requests) <= 4 + len(IMAGES)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("ranks", [2, 3])
def test_processes_share_the_images_and_their_cost(ranks, workers):
    """Also where the images do not divide by the processes, for which `datasets` lets each skip the others'."""
    from torch.utils.data import DataLoader

    with serve({"/a.zip": zipped(IMAGES)}) as server:
        source = open_source(f"zip:{server.url}/a.zip", seed=0)
        orders = []
        for epoch in range(2):
            before, seen = server.sent, []
            for rank in range(ranks):
                share = split_dataset_by_node(source, rank, ranks)
                share.set_epoch(epoch)
                loader = DataLoader(share, batch_size=None, num_workers=workers, collate_fn=read)
                seen += list(loader)
            assert dict(seen) == IMAGES and len(seen) == len(IMAGES)
            assert server.sent - before <= 1.05 * cost(IMAGES)
            orders.append([name for name, _ in seen])
        assert orders[0] != orders[1]


def read(row):
    return row["name"], row["read"]()


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_tars(tmp_path, mode):
    data = tarred(IMAGES | OTHER, mode)
    path = tmp_path / ("a.tar" if mode == "w" else "a.tar.gz")
    path.write_bytes(data)
    source = open_source(f"tar:{tmp_path}", seed=0)
    assert source.num_shards == (len(IMAGES) if mode == "w" else 1), "a plain local tar is read in any order"
    assert contents(f"tar:{path}") == IMAGES
    with serve({"/a.tar": data}) as server:
        assert contents(f"tar:{server.url}/a.tar") == IMAGES
    assert server.sent <= 1.05 * cost(IMAGES)


@pytest.mark.parametrize("plain", [True, False])
def test_parquet(tmp_path, plain):
    data = tabled(IMAGES, plain=plain)
    (tmp_path / "a.parquet").write_bytes(data)
    with serve({"/a.parquet": data}) as server:
        remote = contents(f"parquet:{server.url}/a.parquet:photo")
    assert server.sent <= 1.05 * cost(IMAGES)
    assert open_source(f"parquet:{tmp_path}", seed=0).num_shards == 3, "row groups are shuffled"
    assert remote == contents(f"parquet:{tmp_path / 'a.parquet'}")
    assert sorted(remote.values()) == sorted(IMAGES.values())
    assert plain or remote == IMAGES
    for column in ("image", "label"):
        with pytest.raises(UserError, match=f"no images in a column '{column}'; it has label, photo"):
            open_source(f"parquet:{tmp_path}:{column}", seed=0)


def test_sources_that_are_not_there_are_told_in_one_line(tmp_path):
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "text.parquet").write_text("no table")
    (tmp_path / "empty.zip").write_bytes(zipped(OTHER))
    (tmp_path / "empty.tar").write_bytes(tarred(OTHER))
    (tmp_path / "lr").mkdir()
    with serve() as server:
        for spec, message in [
            ("folder:/no/such", "no folder '/no/such'"),
            ("/no/such", "no folder '/no/such'"),
            (f"folder:{tmp_path}", "no images"),
            ("magic:x", "no data source 'magic:x'; use folder:DIR"),
            ("zip:", "no data source 'zip:'"),
            ("pairs:lr", "no data source 'pairs:lr'"),
            (f"pairs:{tmp_path},/no/such", "no images"),
            ("zip:/no/such.zip", "no file '/no/such.zip'"),
            (f"zip:{tmp_path}/text.zip", "cannot be read as a zip"),
            (f"zip:{tmp_path}/empty.zip", "no images"),
            (f"zip:{tmp_path}/lr", "no images"),
            (f"tar:{tmp_path}/empty.tar", "no images"),
            (f"parquet:{tmp_path}/text.parquet", "cannot be read as Parquet"),
            (f"zip:{server.url}/none.zip", "status 404"),
            ("zip:hf://models/x/y.zip", "write hf://datasets/ORG/NAME"),
            ("hub:a/b@c@d", "write hub:ORG/NAME"),
        ]:
            with pytest.raises(UserError, match=message) as told:
                open_source(spec, seed=0)
            assert "\n" not in str(told.value)
