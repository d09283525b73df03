"""The table of systems: parameter counts, shapes, gradients, round trips."""

import inspect
from dataclasses import replace

import pytest
import torch

import fasrgan_hub
from fasrgan_hub.errors import UserError
from fasrgan_hub.models.discriminators import UNetDiscriminator
from fasrgan_hub.models.generators import RRDBNet, SRResNet
from fasrgan_hub.systems import SYSTEMS, system, system_with

GENERATOR_PARAMETERS = {
    "esrgan": 16_697_987,
    "fasrgan": 16_697_987,
    "fs-srgan": 12_455_299,
    "fa-fs-srgan": 12_455_299,
    "srgan": 1_554_499,
    "srgan-fa": 1_554_499,
    "srgan-fs": 1_480_643,
}
SMALL = {"features": 8, "blocks": 2}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def small_pair(name, crop=32):
    row = system(name)
    sizes = SMALL | ({"growth": 4} if "growth" in row.generator_args else {})
    generator = row.build_generator(**sizes)
    discriminator = row.discriminator(
        **row.discriminator_args
        | {"in_channels": 8 if generator.extractor else 3, "width": 4, "hidden": 8, "crop": crop}
    )
    return generator, discriminator


def test_every_system_of_the_paper_has_a_lite_row():
    assert {name for name in SYSTEMS if not name.endswith("-lite")} == set(GENERATOR_PARAMETERS)
    assert {f"{name}-lite" for name in GENERATOR_PARAMETERS} <= set(SYSTEMS)


@pytest.mark.parametrize("name", [name for name, row in SYSTEMS.items() if row.discriminator.has_map])
def test_maps_of_lite_rows_can_be_cut_into_tiles(name):
    with torch.device("meta"):
        discriminator = system(name).build_discriminator(system(name).build_generator(), crop=128)
    assert (discriminator.reach is not None) == name.endswith("-lite")


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_size_stands_in_the_row(name):
    row = system(name)
    sizes = {
        key for key, value in inspect.signature(row.generator).parameters.items() if value.annotation is int
    }
    assert sizes - {"scale"} <= set(row.generator_args)  # a run chooses the scale
    assert "__init__" not in vars(row.generator)
    assert {"width", "hidden", "norm"} <= set(row.discriminator_args)


def test_the_package_offers_the_generators_of_all_rows():
    assert {row.generator.__name__ for row in SYSTEMS.values()} <= set(fasrgan_hub.__all__)


def test_a_foreign_generator_becomes_the_system_that_shares_as_many_blocks(monkeypatch):
    assert [system_with(RRDBNet, shared).name for shared in (0, 1, 2, 5)] == [
        "esrgan",
        "fs-srgan",
        "fa-fs-srgan",
        "fa-fs-srgan",
    ]
    assert [system_with(SRResNet, shared).name for shared in (0, 3)] == ["srgan", "srgan-fs"]
    row = SYSTEMS["fs-srgan"]
    deeper = replace(row, name="deeper", generator_args={**row.generator_args, "shared_blocks": 4})
    monkeypatch.setitem(SYSTEMS, "deeper", deeper)
    assert system_with(RRDBNet, 5).name == "deeper"


@pytest.mark.parametrize("name", GENERATOR_PARAMETERS)
def test_generators_have_the_papers_parameter_counts(name):
    with torch.device("meta"):
        assert count(system(name).build_generator()) == GENERATOR_PARAMETERS[name]


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name.endswith("-lite")])
def test_lite_generators_stay_below_the_limit(name):
    generator = system(name).build_generator()
    assert count(generator) <= 1_200_000
    assert count(system(name).build_discriminator(generator, 128)) <= 2 * count(generator) + 1_000_000


@pytest.mark.parametrize(("crop", "linear"), [(128, 67_110_913), (192, 150_996_993)])
def test_the_unet_has_the_references_parameter_counts(crop, linear):
    with torch.device("meta"):
        unet = UNetDiscriminator(crop=crop)
    assert count(unet.image_head) == linear
    assert count(unet) - linear == 3_362_307


@pytest.mark.parametrize("name", SYSTEMS)
def test_forward_and_backward_reach_every_parameter(name):
    torch.manual_seed(0)
    generator, discriminator = small_pair(name)
    sr = generator(torch.rand(2, 3, 8, 8))
    assert sr.shape == (2, 3, 32, 32)
    image, score_map = discriminator(sr if generator.extractor is None else generator.extractor(sr))
    assert image.shape == (2, 1)
    assert (score_map is not None) == (system(name).losses.attention > 0) == discriminator.has_map
    loss = image.sum() if score_map is None else image.sum() + score_map.square().sum()
    loss.backward()
    for module in (generator, discriminator):
        for key, parameter in module.named_parameters():
            assert parameter.grad is not None, key
            assert parameter.grad.abs().sum() > 0 or "bias" in key, key


@pytest.mark.parametrize("name", [name for name in SYSTEMS if not name.endswith("-lite")])
def test_saved_and_loaded_networks_are_the_same(name, tmp_path):
    generator, discriminator = small_pair(name)
    generator.save_pretrained(tmp_path)
    discriminator.save_pretrained(tmp_path / "discriminator")
    loaded = fasrgan_hub.from_pretrained(tmp_path)
    assert type(loaded) is system(name).generator
    assert not loaded.training
    x = torch.rand(1, 3, 5, 9)
    assert torch.equal(loaded(x), generator.eval()(x))
    again = type(discriminator).from_pretrained(tmp_path, subfolder="discriminator")
    x = torch.rand(2, discriminator.config["in_channels"], 32, 32)
    assert torch.equal(again(x).image, discriminator.eval()(x).image)


def test_unknown_names_are_told(tmp_path):
    with pytest.raises(UserError, match="there is no system 'fasrgan-huge'"):
        system("fasrgan-huge")
    with pytest.raises(UserError, match="there is no model 'fasrgan-huge'"):
        fasrgan_hub.from_pretrained("fasrgan-huge")
    (tmp_path / "config.json").write_text('{"_model_class": "os.system"}')
    with pytest.raises(UserError, match=r"holds os\.system, which is none of"):
        fasrgan_hub.from_pretrained(tmp_path)
