"""The stream of crops: exact LR, exact resume, whole epochs, bad pictures."""

import warnings
from itertools import islice

import pytest
import torch
from conftest import photo
from PIL import Image
from torchdata.stateful_dataloader import StatefulDataLoader

from fasrgan_hub.data.bicubic import downscale
from fasrgan_hub.data.crops import CropStream
from fasrgan_hub.data.sources import open_source
from fasrgan_hub.errors import UserError


def stream(photos, **options):
    return CropStream(
        open_source(f"folder:{photos}", seed=1), **{"crop": 32, "crops_per_picture": 2, "window": 4} | options
    )


def test_lr_equals_the_crop_of_the_whole_pictures_lr(photos):
    """Undo the augmentation by trying all eight, then look the pair up in the whole picture."""
    wholes = []
    for path in sorted(photos.glob("*.png")):
        hr = torch.tensor(list(Image.open(path).convert("RGB").tobytes())).float() / 255
        width, height = Image.open(path).size
        wholes.append(hr.view(height, width, 3).permute(2, 0, 1))

    def found(pair):
        for whole in wholes:
            lr = downscale(whole)
            for row in range(lr.shape[1] - 7):
                for column in range(lr.shape[2] - 7):
                    hr = whole[:, 4 * row : 4 * row + 32, 4 * column : 4 * column + 32]
                    if torch.equal(hr, pair["hr"]):
                        return torch.equal(lr[:, row : row + 8, column : column + 8], pair["lr"])
        return False

    def unturned(pair):
        for k in range(4):
            for flip in (False, True):
                turned = {key: torch.rot90(x.flip(-1) if flip else x, k, (-2, -1)) for key, x in pair.items()}
                if found(turned):
                    return True
        return False

    assert all(unturned(pair) for pair in islice(stream(photos), 6))


def test_every_epoch_shows_every_picture_equally_often_in_another_order(photos):
    crops = stream(photos, crops_per_picture=3, window=6)
    names = []
    cut = crops._cut
    crops._cut = lambda name, *rest: (names.append(name), cut(name, *rest))[1]
    list(islice(crops, 36))
    first, second = names[:18], names[18:]
    assert sorted(first) == sorted(second) == sorted([f"{i}.png" for i in range(6)] * 3)
    assert first != second
    assert len(set(first[:6])) == 6, "pictures of a window are visited in turn"


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_resumed_stream_equals_an_uninterrupted_one(photos, workers, stop):
    def loader():
        return StatefulDataLoader(stream(photos), batch_size=3, num_workers=workers)

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
    picture = photo(64, 400)
    picture[:, :300] = 128
    Image.fromarray(picture).save(tmp_path / "half-empty.png")

    def contrast(detail):
        return sum(float(pair["hr"].std()) for pair in islice(stream(tmp_path, detail=detail), 20))

    assert contrast(4) > 1.5 * contrast(1)


def test_bad_pictures_are_skipped_with_a_warning(tmp_path):
    Image.fromarray(photo(64, 64)).save(tmp_path / "good.png")
    Image.fromarray(photo(16, 64)).save(tmp_path / "small.png")
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:500])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(list(islice(stream(tmp_path), 4))) == 4
    told = " ".join(str(warning.message) for warning in caught)
    assert all(name in told for name in ("small.png: 64x16 is smaller", "text.png", "cut.png"))
    (tmp_path / "good.png").unlink()
    with pytest.raises(UserError, match="no picture could be read"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        next(iter(stream(tmp_path)))


def test_sources_that_are_not_there_are_told(tmp_path):
    for spec, message in [
        ("folder:/no/such", "no folder"),
        (f"folder:{tmp_path}", "no pictures"),
        ("magic:x", "no data source 'magic:'"),
    ]:
        with pytest.raises(UserError, match=message):
            open_source(spec, seed=0)
