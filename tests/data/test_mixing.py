"""Several sources in one: shares, repeats with crops of their own, and mistakes in one line."""

import warnings
from collections import Counter
from itertools import islice

import pytest
import torch
from conftest import photo
from packing import tabled, tarred
from PIL import Image
from torchdata.stateful_dataloader import StatefulDataLoader

from fasrgan_hub.data.crops import CropStream
from fasrgan_hub.data.degradations import read_mixture
from fasrgan_hub.data.mixing import split_shares
from fasrgan_hub.data.sources import list_shards, open_source
from fasrgan_hub.errors import UserError


def names(shards):
    return [row["name"] for shard in shards for row in shard.rows()]


@pytest.fixture
def folder(tmp_path):
    """Four photographs."""
    (tmp_path / "a").mkdir()
    for index in range(4):
        Image.fromarray(photo(48, 48, index)).save(tmp_path / "a" / f"{index}.png")
    return tmp_path / "a"


def test_every_image_is_shown_and_small_sources_are_repeated(folder):
    shards = names(list_shards(f"folder:{folder}=0.75; rendered:12=0.25"))
    pages = [name for name in shards if name.startswith("page")]
    photographs = [name for name in shards if not name.startswith("page")]
    assert len(pages) == len(set(pages)) == 12
    assert len(photographs) == len(set(photographs)) == 36
    assert Counter(name.split(" ")[0] for name in photographs) == {f"{n}.png": 9 for n in range(4)}
    assert names(list_shards(f"folder:{folder}=0.5;rendered:5=0.5"))[4:5] == ["0.png (again 1)"]


def test_row_groups_count_their_images(folder, tmp_path):
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    (tmp_path / "a.parquet").write_bytes(tabled(files))
    mixed = names(list_shards(f"parquet:{tmp_path}/a.parquet=0.5;rendered:8=0.5"))
    assert sum(name.startswith("page") for name in mixed) == 8 and len(mixed) == 16


def test_pairs_keep_their_lr_while_others_are_degraded(folder, tmp_path):
    """The paired LR images are black, which no degradation makes of a photograph."""
    (tmp_path / "lr").mkdir()
    for index in range(4):
        Image.new("RGB", (12, 12)).save(tmp_path / "lr" / f"{index}.png")
    spec = f"pairs:{tmp_path}/lr,{folder}=0.5;folder:{folder}=0.5"
    crops = CropStream(open_source(spec, 0), 32, 2, 8, degradation=read_mixture("web"))
    black = [bool((pair["lr"] == 0).all()) for pair in islice(crops, 32)]
    assert sum(black) == 16


def test_mixed_sources_resume_exactly(folder):
    def loader():
        spec = f"folder:{folder}=0.5;rendered:6=0.5"
        crops = CropStream(open_source(spec, 0), 32, 2, 4, degradation=read_mixture("clean=0.5,real=0.5"))
        return StatefulDataLoader(crops, batch_size=3, num_workers=2)

    whole = list(islice(loader(), 8))
    first = loader()
    batches = iter(first)
    for _ in range(3):
        next(batches)
    second = loader()
    second.load_state_dict(first.state_dict())
    for expected, resumed in zip(whole[3:], islice(second, 5), strict=True):
        assert torch.equal(expected["lr"], resumed["lr"]) and torch.equal(expected["hr"], resumed["hr"])


def test_repeats_have_crops_of_their_own(tmp_path):
    Image.fromarray(photo(48, 48)).save(tmp_path / "a.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        crops = CropStream(open_source(f"folder:{tmp_path}=0.75;rendered:1=0.25", 0), 16, 1, 4)
        pairs = [pair["hr"] for pair in islice(crops, 4)]
    assert len({pair.numpy().tobytes() for pair in pairs}) == 4


def test_a_single_source_may_have_an_equals_sign():
    assert split_shares("folder:/data/a=b") == [("folder:/data/a=b", 1.0)]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "folder:{0}=0.5;rendered:",
            "'rendered:' needs a share above 0 and up to 1: SOURCE=SHARE;SOURCE=SHARE",
        ),
        ("folder:{0}=0.5;rendered:=much", "'rendered:=much' needs a share"),
        ("folder:{0}=1.5;rendered:=0.5", "=1.5' needs a share"),
        ("folder:{0}=0.5;rendered:=0", "'rendered:=0' needs a share"),
        ("folder:{0}=0.5;rendered:=0.4", "add up to 0.9; they must add up to 1"),
        ("folder:{0}=0.5;drawn:=0.5", "there is no data source 'drawn:'; use folder:DIR"),
        ("folder:{0}=0.5;rendered:no=0.5", "'rendered:no' must be rendered:COUNT,FONT_FOLDER"),
    ],
)
def test_mistakes(folder, spec, message):
    with pytest.raises(UserError, match=message) as error:
        list_shards(spec.format(folder))
    assert "\n" not in str(error.value)


def test_a_compressed_tar_cannot_be_counted(folder, tmp_path):
    files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    (tmp_path / "a.tar.gz").write_bytes(tarred(files, "w:gz"))
    with pytest.raises(UserError, match="cannot be counted before they are read"):
        list_shards(f"tar:{tmp_path}/a.tar.gz=0.5;rendered:=0.5")
