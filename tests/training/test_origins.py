"""Starts from other people's weights: what the card says of them, and that such a run trains, resumes and exports."""

import pytest
import torch
import torchvision_shim  # noqa: F401 - before spandrel
import yaml
from safetensors.torch import load_file, save_file
from small import config, fresh_accelerate, tiny_features  # noqa: F401

import fasrgan_hub
from fasrgan_hub.errors import UserError
from fasrgan_hub.hub.origins import Origin
from fasrgan_hub.interop.export import export
from fasrgan_hub.interop.foreign_checkpoints import import_model
from fasrgan_hub.training.command_line import load_config
from fasrgan_hub.training.config_groups import StartConfig
from fasrgan_hub.training.loop import train
from fasrgan_hub.training.nested import override
from fasrgan_hub.training.starting import find_origin


def front_matter(model):
    return yaml.safe_load((model / "README.md").read_text().split("---\n")[1])


@pytest.fixture
def foreign(tmp_path):
    """The folder of an imported network of 4 blocks."""
    torch.manual_seed(0)
    network = fasrgan_hub.ESRGAN(blocks=4, features=8, growth=4)
    save_file(network.state_dict(), tmp_path / "foreign.safetensors")
    return import_model([tmp_path / "foreign.safetensors"], tmp_path / "foreign")


def test_the_origin_is_what_the_configuration_says_then_what_the_card_says(tmp_path, foreign):
    assert find_origin(StartConfig()) == Origin()
    assert find_origin(StartConfig(init="fasrgan-lite-x4")) == Origin(license="apache-2.0")
    assert find_origin(StartConfig(init=str(foreign))) == Origin()
    stated = StartConfig(init=str(foreign), base_model="org/name", license="bsd-3-clause")
    assert find_origin(stated) == Origin(("org/name",), "bsd-3-clause")
    (foreign / "README.md").write_text("---\nlicense: mit\nbase_model:\n- a/b\n- c/d\n---\n# x\n")
    assert find_origin(StartConfig(init=str(foreign))) == Origin(("a/b", "c/d"), "mit")
    assert find_origin(StartConfig(init=str(foreign), license="bsd-3-clause")).license == "bsd-3-clause"
    for text in ("---\n[\n---\n", ""):
        (foreign / "README.md").write_text(text)
        assert find_origin(StartConfig(init=str(foreign))) == Origin()


def test_a_model_of_the_hub_is_its_own_base(hub, client, tmp_path):
    """In a process of its own, against a local Hub."""
    fasrgan_hub.FASRGAN(blocks=1, features=8, growth=4).save_pretrained(tmp_path / "m")
    code = f"""
from fasrgan_hub.systems import FASRGAN
FASRGAN.from_pretrained({str(tmp_path / "m")!r}).push_to_hub("org/m")
from fasrgan_hub.training.starting import find_origin
from fasrgan_hub.training.config_groups import StartConfig
print(find_origin(StartConfig(init="org/m")).base_model)
"""
    assert "('org/m',)" in client.python(code).output


def test_chosen_blocks_of_imported_weights_train_resume_and_open_elsewhere(photos, tmp_path, foreign):
    import spandrel

    start = {
        "init": str(foreign),
        "init_blocks": (0, 3),
        "base_model": "xinntao/Real-ESRGAN",
        "license": "bsd-3-clause",
    }
    chosen = config(photos, tmp_path / "run", "esrgan", "psnr", steps=1, start=start, generator={"blocks": 2})
    (foreign / "LICENSE").write_text("Copyright (c) 2021, somebody")
    train(chosen)
    model = train(override(load_config(tmp_path / "run"), {"steps": 2}), resume=True)
    card, front = (model / "README.md").read_text(), front_matter(model)
    assert (front["base_model"], front["license"]) == ("xinntao/Real-ESRGAN", "bsd-3-clause")
    assert (model / "LICENSE").read_text() == "Copyright (c) 2021, somebody"
    assert f"| started from | {foreign}, blocks 0, 3, base model xinntao/Real-ESRGAN |" in card
    assert "Weights: bsd-3-clause, as those that they started from." in card
    export(model, tmp_path / "out.safetensors")
    loaded = spandrel.ModelLoader().load_from_file(tmp_path / "out.safetensors")
    x = torch.rand(1, 3, 12, 16)
    torch.testing.assert_close(
        loaded.model(x), fasrgan_hub.from_pretrained(model)(x), atol=1e-5, rtol=0, check_stride=False
    )

    on = config(
        photos, tmp_path / "on", "esrgan", "psnr", start={"init": str(model)}, generator={"blocks": 2}
    )
    again = front_matter(train(override(on, {"steps": 1})))
    assert (again["base_model"], again["license"]) == ("xinntao/Real-ESRGAN", "bsd-3-clause")
    assert set(load_file(model / "model.safetensors")) == set(
        load_file(tmp_path / "on/model/model.safetensors")
    )


def test_an_unknown_license_is_said(photos, tmp_path, foreign):
    chosen = config(
        photos, tmp_path, "esrgan", "psnr", steps=1, start={"init": str(foreign)}, generator={"blocks": 4}
    )
    model = train(chosen)
    assert front_matter(model)["license"] == "unknown"
    assert (
        "whose license is not known here (`--start.license` states it)" in (model / "README.md").read_text()
    )
    assert (
        front_matter(train(config(photos, tmp_path / "new", stage="psnr", steps=1)))["license"]
        == "apache-2.0"
    )


def test_a_degradation_of_ones_own_is_kept_with_the_run_and_shown_in_its_card(photos, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("- codec: {quality: [40, 60]}  # as phones do\n")
    data = {"degradation": f"clean=0.5,{mine}=0.5"}
    settings = config(photos, tmp_path / "run", stage="psnr", steps=1, data=data)
    model = train(settings)
    assert (tmp_path / "run" / "degradations" / "mine.yaml").read_bytes() == mine.read_bytes()
    card = (model / "README.md").read_text()
    assert "The degradation mine.yaml" in card and "- codec: {quality: [40, 60]}  # as phones do" in card
    mine.write_text("- codec: {quality: [40, 70]}\n")
    with pytest.raises(UserError, match="is not what it was when this run was begun"):
        train(override(settings, {"steps": 2}), resume=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.yaml").write_text("- blur: {}\n")
    twice = {"degradation": f"{mine}=0.5,{tmp_path / 'other' / 'mine.yaml'}=0.5"}
    with pytest.raises(UserError, match=r"two files called mine\.yaml"):
        train(config(photos, tmp_path / "twice", stage="psnr", data=twice))
