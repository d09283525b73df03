"""What a stage starts from: a model of the same system, its discriminator, or one without sharing."""

import pytest
import torch
from small import config, fresh_accelerate, tiny_features  # noqa: F401

import fasrgan_hub
from fasrgan_hub.errors import UserError
from fasrgan_hub.training.loop import train
from fasrgan_hub.training.nested import override
from fasrgan_hub.training.starting import initial_discriminator, initial_generator


@pytest.mark.usefixtures("tiny_features")
def test_a_finished_model_trains_on_with_its_discriminator(photos, tmp_path):
    for system in ("fasrgan-lite", "fa-fs-srgan-lite"):
        model = train(config(photos, tmp_path / system, system, steps=2))
        settings = config(
            photos, tmp_path / "on", system, start={"init": str(model), "init_discriminator": str(model)}
        )
        generator = initial_generator(settings)
        network = initial_discriminator(settings, generator)
        saved = type(network).from_pretrained(model, subfolder="discriminator").state_dict()
        assert all(torch.equal(value, saved[name]) for name, value in network.state_dict().items())
        other = override(settings, {"discriminator": settings.discriminator | {"width": 8}})
        with pytest.raises(UserError, match="discriminator' do not fit"):
            initial_discriminator(other, generator)
    with pytest.raises(UserError, match="holds UNetDiscriminator, not VGGDiscriminator"):
        initial_discriminator(override(settings, {"system": "fs-srgan-lite"}), generator)


@pytest.mark.parametrize("system", ["fs-srgan-lite", "srgan-fs-lite", "fa-fs-srgan-lite"])
def test_sharing_starts_from_a_model_without_it(tmp_path, system):
    """The result is nearer than that of a random start; the same where the shared blocks give what they get."""
    rrdb = not system.startswith("srgan")
    blocks = {"blocks": 3, "features": 8} | ({"growth": 4} if rrdb else {})
    start = fasrgan_hub.SYSTEMS["esrgan-lite" if rrdb else "srgan-lite"].build_generator(**blocks)
    shape = {"shared_blocks": 2}
    settings = config("", tmp_path, system, start={"init": str(tmp_path / "start")}, generator=shape)
    x = torch.rand(1, 3, 8, 8)

    def off(settings):
        return (initial_generator(settings).eval()(x) - start.eval()(x)).abs().max().item()

    with torch.no_grad():
        for parameter in start.body.parameters():
            parameter.mul_(3)
        start.save_pretrained(tmp_path / "start")
        assert 0 < off(settings) < off(override(settings, {"start": {"init": ""}})) / 2
        if not rrdb:  # an RRDB without weights multiplies by 1.2
            for parameter in start.body[:2].parameters():
                parameter.zero_()
            start.save_pretrained(tmp_path / "start")
            assert off(settings) < 1e-6


def test_a_scale_that_training_has_no_pairs_for_is_refused(tmp_path):
    settings = config("", tmp_path, "fasrgan-lite", generator={"scale": 2})
    with pytest.raises(UserError, match=r"generator\.scale is 2; LR crops for training are made for 4 only"):
        initial_generator(settings)
