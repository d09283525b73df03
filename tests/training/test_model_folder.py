"""A folder that a network was written into becomes a copy of its model; what lies in it stays."""

import pytest

from fasrgan_hub.hub.model_files import model_files
from fasrgan_hub.training.model_folder import complete_model_folder


@pytest.fixture
def model(tmp_path):
    for name in ("", "discriminator", "difficulty"):
        folder = tmp_path / "model" / name
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"_model_class": "FASRGAN"}')
        (folder / "model.safetensors").write_bytes(name.encode())
    (tmp_path / "model" / "README.md").write_text("the card of another network")
    return tmp_path / "model"


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_becomes_a_copy_but_for_the_card_and_what_was_written_into_it(model, tmp_path):
    new = tmp_path / "new" / "difficulty"
    new.mkdir(parents=True)
    (new / "model.safetensors").write_bytes(b"just learned")
    (model / "LICENSE").write_text("BSD")
    complete_model_folder(tmp_path / "new", model_files(model))
    expected = content(model) | {"difficulty/model.safetensors": b"just learned"}
    del expected["README.md"]
    assert content(tmp_path / "new") == expected


def test_a_model_has_only_what_it_has(model, tmp_path):
    for path in (model / "difficulty").iterdir():
        path.unlink()
    complete_model_folder(tmp_path / "new", model_files(model))
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "config.json",
        "discriminator",
        "model.safetensors",
    ]


def test_a_folder_that_is_a_model_stays_as_it_is(model, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text("{}")
    complete_model_folder(other, model_files(model))
    assert content(other) == {"config.json": b"{}"}
