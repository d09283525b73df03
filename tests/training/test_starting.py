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


def test_a_discriminator_of_the_papers_upsampling_goes_on_with_another(tmp_path):
    name = str(tmp_path / "model")
    full = fasrgan_hub.systems.LITE_DISCRIMINATORS[fasrgan_hub.UNetDiscriminator]
    of_the_paper = fasrgan_hub.UNetDiscriminator(**full | {"upsample": "paper", "in_channels": 3})
    of_the_paper.save_pretrained(tmp_path / "model" / "discriminator")
    settings = config("", tmp_path, start={"init_discriminator": name})
    settings = override(settings, {"discriminator": full})
    generator, lines = initial_generator(settings), []
    network = initial_discriminator(settings, generator, lines.append)
    saved = type(network).from_pretrained(name, subfolder="discriminator").state_dict()
    assert all(torch.equal(value, saved[key]) for key, value in network.state_dict().items())
    assert len(lines) == 1 and "upsample 'paper', this one 'aligned'" in lines[0]
    paper = override(settings, {"discriminator": full | {"upsample": "paper"}})
    initial_discriminator(paper, generator, lines.append)
    assert len(lines) == 1


def test_features_of_a_shared_extractor_have_no_bands(tmp_path):
    settings = config("", tmp_path, "fs-srgan-lite", discriminator={"input": "haar"})
    with pytest.raises(UserError, match="only images have"):
        initial_discriminator(settings, initial_generator(settings))


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


def test_chosen_blocks_of_a_deeper_model_are_kept(tmp_path):
    """Where the other blocks change nothing, the shallow generator computes what the deep one does."""
    start = fasrgan_hub.SYSTEMS["srgan-fa-lite"].build_generator(blocks=4, features=8)
    with torch.no_grad():
        for dropped in (start.body[1], start.body[2]):
            for parameter in dropped.parameters():
                parameter.zero_()
    start.save_pretrained(tmp_path / "deep")
    deep = str(tmp_path / "deep")
    kept = config(
        "", tmp_path, "srgan-fa-lite", start={"init": deep, "init_blocks": (0, 3)}, generator={"blocks": 2}
    )
    x = torch.rand(1, 3, 8, 8)
    assert torch.equal(initial_generator(kept).eval()(x), start.eval()(x))


def test_blocks_keep_their_weights_and_order_in_an_rrdb_generator(tmp_path):
    start = fasrgan_hub.SYSTEMS["fasrgan"].build_generator(blocks=3, features=8, growth=4)
    start.save_pretrained(tmp_path / "deep")
    settings = config(
        "", tmp_path, start={"init": str(tmp_path / "deep"), "init_blocks": (0, 2)}, generator={"blocks": 2}
    )
    weights = initial_generator(settings).state_dict()
    assert torch.equal(weights["body.1.rdb3.conv5.weight"], start.state_dict()["body.2.rdb3.conv5.weight"])
    assert torch.equal(weights["conv_last.weight"], start.state_dict()["conv_last.weight"])


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ((0, 3), r"\[0, 3\]; '.*deep' has the blocks 0 to 2"),
        ((2, 0), "increasing order"),
        ((0, 0), "increasing order"),
        ((-1, 2), "has the blocks 0 to 2"),
        ((0,), "do not fit fasrgan-lite: missing: body.1.rdb1.conv1.weight"),
    ],
)
def test_blocks_that_cannot_be_kept_are_one_line(tmp_path, blocks, message):
    start = fasrgan_hub.SYSTEMS["fasrgan"].build_generator(blocks=3, features=8, growth=4)
    start.save_pretrained(tmp_path / "deep")
    choices = {"init": str(tmp_path / "deep"), "init_blocks": blocks}
    with pytest.raises(UserError, match=message):
        initial_generator(config("", tmp_path, start=choices, generator={"blocks": 2}))


def test_a_narrower_model_is_refused_with_the_reason(tmp_path):
    fasrgan_hub.SYSTEMS["fasrgan"].build_generator(blocks=1, features=4, growth=4).save_pretrained(
        tmp_path / "narrow"
    )
    with pytest.raises(
        UserError, match=r"do not fit fasrgan-lite: wrong shape: conv_first.weight \(4, 3, 3, 3\)"
    ):
        initial_generator(config("", tmp_path, start={"init": str(tmp_path / "narrow")}))


def test_blocks_without_a_model_are_refused(tmp_path):
    with pytest.raises(UserError, match="needs --init"):
        config("", tmp_path, start={"init_blocks": (0,)})
