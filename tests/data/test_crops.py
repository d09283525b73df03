"""The stream of crops: exact LR, exact resume, whole epochs, bad images."""

import warnings
from itertools import islice, product

import pytest
import torch
from conftest import photo
from datasets.distributed import split_dataset_by_node
from loopback import serve
from packing import tabled, tarred, zipped
from PIL import Image
from streams import stream
from torchdata.stateful_dataloader import StatefulDataLoader

from fasrgan_hub.data import archives, ranges
from fasrgan_hub.data.degradations import read_mixture
from fasrgan_hub.errors import UserError
from fasrgan_hub.images.bicubic import downscale


def record_names(crops):
    """The names of the images that crops are cut from, in a list that grows."""
    names = []
    cut = crops._cut
    crops._cut = lambda image, turn: (names.append(image.name), cut(image, turn))[1]
    return names


@pytest.fixture(scope="module")
def files(photos):
    return {path.name: path.read_bytes() for path in sorted(photos.iterdir())}


def test_lr_equals_the_crop_of_the_whole_images_lr_wherever_its_cells_begin(photos):
    """Undo the augmentation by trying all eight, then look the pair up in the image without its first rows."""
    wholes = []
    for path in sorted(photos.glob("*.png")):
        hr = torch.tensor(list(Image.open(path).convert("RGB").tobytes())).float() / 255
        width, height = Image.open(path).size
        whole = hr.view(height, width, 3).permute(2, 0, 1)
        for top, left in product(range(4), repeat=2):
            wholes.append((top, left, whole[:, top:, left:], downscale(whole[:, top:, left:])))

    def found(pair):
        for top, left, whole, lr in wholes:
            for row, column in product(range(lr.shape[1] - 7), range(lr.shape[2] - 7)):
                hr = whole[:, 4 * row : 4 * row + 32, 4 * column : 4 * column + 32]
                if torch.equal(hr, pair["hr"]):
                    assert torch.equal(lr[:, row : row + 8, column : column + 8], pair["lr"])
                    return top, left
        return None

    def unturned(pair):
        for k in range(4):
            for flip in (False, True):
                turned = {key: torch.rot90(x.flip(-1) if flip else x, k, (-2, -1)) for key, x in pair.items()}
                if at := found(turned):
                    return at
        return None

    begun = [unturned(pair) for pair in islice(stream(photos), 8)]
    assert None not in begun and len(set(begun)) > 3


def test_every_epoch_shows_every_image_equally_often_in_another_order(photos):
    crops = stream(photos, crops_per_image=3, window=6)
    names = record_names(crops)
    list(islice(crops, 36))
    first, second = names[:18], names[18:]
    assert sorted(first) == sorted(second) == sorted([f"{i}.png" for i in range(6)] * 3)
    assert first != second
    assert len(set(first[:6])) == 6, "images of a window are visited in turn"


@pytest.mark.parametrize("kind", ["zip", "tar", "parquet"])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [1, pytest.param(3, marks=pytest.mark.slow), 5])
def test_a_resumed_stream_equals_an_uninterrupted_one(files, kind, workers, stop, monkeypatch):
    """Six images, four of them in the first window, stopped within a window, between two and in another epoch."""
    monkeypatch.setattr(archives, "TAIL", 100)
    with serve({"/a.zip": zipped(files), "/a.tar": tarred(files), "/a.parquet": tabled(files)}) as server:

        def loader():
            crops = stream(f"{kind}:{server.url}/a.{kind}")
            return StatefulDataLoader(crops, batch_size=3, num_workers=workers)

        whole = [batch["hr"] for batch in islice(loader(), stop + 4)]
        first = loader()
        batches = iter(first)
        for _ in range(stop):
            next(batches)
        second = loader()
        second.load_state_dict(first.state_dict())
        rest = [batch["hr"] for batch in islice(second, 4)]
    assert all(torch.equal(a, b) for a, b in zip(whole[stop:], rest, strict=True))


def test_detail_prefers_crops_with_contrast(tmp_path):
    image = photo(64, 400)
    image[:, :300] = 128
    Image.fromarray(image).save(tmp_path / "half-empty.png")

    def contrast(detail):
        return sum(float(pair["hr"].std()) for pair in islice(stream(tmp_path, detail=detail), 20))

    assert contrast(4) > 1.5 * contrast(1)


def test_bad_images_are_skipped_with_a_warning(tmp_path):
    Image.fromarray(photo(64, 64)).save(tmp_path / "good.png")
    Image.fromarray(photo(16, 64)).save(tmp_path / "small.png")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:500])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(list(islice(stream(tmp_path), 4))) == 4
    told = " ".join(str(warning.message) for warning in caught)
    assert all(name in told for name in ("small.png: 64x16 is smaller", "text.png", "cut.png"))
    (tmp_path / "good.png").unlink()
    with (
        pytest.raises(UserError, match="no image can be used; the last one tried: "),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        next(iter(stream(tmp_path)))


def test_whatever_a_decoder_raises_is_that_images_problem(tmp_path):
    """A TIFF that says in letters where its pixels lie makes Pillow raise TypeError."""
    Image.fromarray(photo(64, 64)).save(tmp_path / "good.png")
    Image.fromarray(photo(64, 64)).save(tmp_path / "bad.tif")
    data = (tmp_path / "bad.tif").read_bytes()
    (tmp_path / "bad.tif").write_bytes(data.replace(b"\x11\1\4\0", b"\x11\1\2\0", 1))
    with pytest.warns(UserWarning, match=r"skipped bad\.tif: "):
        assert len(list(islice(stream(tmp_path), 4))) == 4


@pytest.mark.parametrize("workers", [0, 2])
def test_images_that_cannot_be_had_are_skipped_and_counted(files, workers, monkeypatch):
    monkeypatch.setattr(ranges, "WAITS", (0.0,) * 4)
    monkeypatch.setattr(archives, "TAIL", 100)
    with serve({"/a.zip": zipped(files)}) as server:
        crops = stream(f"zip:{server.url}/a.zip", crops_per_image=1, window=3)
        shards = crops.source._ex_iterable.ex_iterable.kwargs["shards"]
        lost = next(f"bytes={shard.start}-{shard.end - 1}" for shard in shards if shard.name == "3.png")
        server.fault = lambda path, number: "cut" if server.requests[number][2]["range"] == lost else None
        names = record_names(crops)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            list(islice(StatefulDataLoader(crops, batch_size=5, num_workers=workers), 4))
    assert crops.skipped >= 1
    if not workers:
        assert set(names) == {f"{i}.png" for i in (0, 1, 2, 4, 5)}
        assert any("skipped 3.png: cannot read http" in str(warning.message) for warning in caught)


def test_a_damaged_member_and_a_shard_that_is_cut_off_are_skipped(files, tmp_path):
    damaged = bytearray(zipped(files))
    damaged[damaged.index(b"IDAT") + 60] ^= 1
    (tmp_path / "a.zip").write_bytes(damaged)
    whole = tarred(files, "w:gz")
    (tmp_path / "a.tar.gz").write_bytes(whole[: len(whole) * 2 // 3])
    for spec, message in [
        (f"zip:{tmp_path}/a.zip", "0.png: damaged in .*a.zip: wrong checksum"),
        (f"tar:{tmp_path}/a.tar.gz", "the rest of .*a.tar.gz: "),
    ]:
        crops = stream(spec, crops_per_image=1)
        with pytest.warns(UserWarning, match=message):
            assert len(list(islice(crops, 12))) == 12
        assert crops.skipped == 1, "once, in however many epochs"


def test_more_workers_than_images(tmp_path):
    Image.fromarray(photo(64, 64)).save(tmp_path / "one.png")
    batches = list(islice(StatefulDataLoader(stream(tmp_path), batch_size=2, num_workers=2), 3))
    assert len(batches) == 3
    crops = stream(tmp_path)
    crops.source = split_dataset_by_node(crops.source, 1, 2)
    with pytest.raises(UserError, match="fewer images"):
        next(iter(crops))


@pytest.mark.parametrize("shares", [(4, 4), (5, 4)])
def test_two_ranks_of_two_workers_see_every_image_once(tmp_path, shares):
    """Also where the images do not divide among the ranks. Every image is of a gray of its own."""
    for index in range(sum(shares)):
        Image.new("RGB", (40, 40), (10 * index,) * 3).save(tmp_path / f"{index}.png")
    seen = []
    for rank, share in enumerate(shares):
        crops = stream(tmp_path, crops_per_image=1)
        crops.source = split_dataset_by_node(crops.source, rank, 2)
        batches = StatefulDataLoader(crops, batch_size=1, num_workers=2)
        seen += [round(float(batch["hr"].mean()) * 25.5) for batch in islice(batches, share)]
    assert sorted(seen) == list(range(sum(shares)))


def test_workers_do_not_disturb_each_others_epoch(photos):
    """`set_epoch` writes to memory that all workers share."""
    crops = stream(photos, crops_per_image=1, window=2)
    list(islice(crops, 20))
    assert crops.state_dict()["epoch"] == 3
    assert crops.source.epoch == 0


MIXTURE = "clean=0.2,web=0.3,camera=0.2,real=0.3"


@pytest.mark.parametrize("workers", [1, 2])
def test_degraded_crops_are_the_same_resumed_and_with_any_number_of_workers(photos, workers):
    """Bit for bit. Workers take turns, so the same crops come in another order."""

    def crops():
        return stream(photos, crops_per_image=4, window=3, degradation=read_mixture(MIXTURE))

    def contents(pairs):
        return sorted(pair["hr"].numpy().tobytes() + pair["lr"].numpy().tobytes() for pair in pairs)

    def loader():
        return StatefulDataLoader(crops(), batch_size=None, num_workers=workers)

    alone = list(islice(crops(), 24))
    shared = list(islice(loader(), 24))
    assert contents(alone) == contents(shared), "an epoch has the same crops"
    first = loader()
    batches = iter(first)
    for _ in range(7):
        next(batches)
    second = loader()
    second.load_state_dict(first.state_dict())
    for expected, resumed in zip(shared[7:], islice(second, 17), strict=True):
        assert all(torch.equal(expected[key], resumed[key]) for key in ("lr", "hr"))


@pytest.mark.parametrize("candidates", [1, 3])
def test_a_degradation_changes_lr_alone_and_leaves_it_where_it_was(photos, candidates):
    clean = list(islice(stream(photos, detail=candidates), 24))
    degraded = list(islice(stream(photos, detail=candidates, degradation=read_mixture("camera")), 24))
    for before, after in zip(clean, degraded, strict=True):
        assert torch.equal(before["hr"], after["hr"]) and before["lr"].shape == after["lr"].shape
        assert not torch.equal(before["lr"], after["lr"])
    errors = [
        sum(
            float((a["lr"].roll(step, -1) - b["lr"]).abs().mean())
            for a, b in zip(clean, degraded, strict=True)
        )
        for step in (-1, 0, 1)
    ]
    assert errors[1] < min(errors[0], errors[2])
