"""Generators of every scale, and what they say to input that they do not take."""

import pytest
import torch
from torch.nn import functional as F

import fasrgan_hub
from fasrgan_hub.errors import UserError, WrongTypeError
from fasrgan_hub.hub.model_files import BUNDLED
from fasrgan_hub.models.generators import SCALES, RRDBNet, SRResNet, pad_to_multiple
from fasrgan_hub.systems import SYSTEMS

RRDB = {"blocks": 1, "features": 8, "growth": 4}
KINDS = {
    "rrdb": lambda scale: RRDBNet(**RRDB, scale=scale),
    "shared": lambda scale: RRDBNet(**RRDB, shared_blocks=1, scale=scale),
    "srresnet": lambda scale: SRResNet(blocks=1, features=8, scale=scale),
}


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (5, 9), (8, 12)])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_size_is_enlarged_by_the_scale_and_every_parameter_learns(kind, scale, size):
    torch.manual_seed(0)
    model = KINDS[kind](scale)
    y = model(torch.rand(2, 3, *size))
    assert y.shape == (2, 3, scale * size[0], scale * size[1])
    y.square().mean().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("factor", [2, 4])
def test_an_image_is_continued_as_torch_reflects_it(factor):
    x = torch.rand(1, 3, 9, 6)
    sides = [-length % factor for length in x.shape[2:]]
    assert torch.equal(pad_to_multiple(x, factor), F.pad(x, (0, sides[1], 0, sides[0]), mode="reflect"))
    assert pad_to_multiple(x[..., :1, :2], factor).shape == (1, 3, factor, max(2, factor))
    assert torch.equal(pad_to_multiple(x[..., :8, :4], factor), x[..., :8, :4])


@torch.no_grad()
def test_the_part_beyond_the_image_does_not_shift_it():
    """What pixels give that lie far from the edge does not depend on whether the size is a multiple."""
    model = RRDBNet(**RRDB, scale=2).eval()
    x = torch.rand(1, 3, 65, 67)
    assert torch.allclose(model(x)[..., :32, :32], model(x[..., :64, :66])[..., :32, :32], atol=1e-4)


@pytest.mark.parametrize("scale", SCALES)
def test_the_scale_is_saved_and_an_old_config_is_of_scale_4(scale, tmp_path):
    model = fasrgan_hub.FAFsSRGAN(**RRDB, shared_blocks=1, scale=scale).eval()
    model.save_pretrained(tmp_path)
    loaded = fasrgan_hub.from_pretrained(tmp_path)
    x = torch.rand(1, 3, 7, 5)
    assert loaded.scale == scale and torch.equal(loaded(x), model(x))
    old = "fasrgan-lite-bicubic-psnr-x4"
    assert "scale" not in (BUNDLED / old / "config.json").read_text()
    assert fasrgan_hub.from_pretrained(old).scale == 4


def test_scales_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="scale is 8; it must be one of 1, 2, 3, 4"):
        RRDBNet(**RRDB, scale=8)


@pytest.mark.parametrize("scale", [1, 2])
def test_a_discriminator_works_on_the_extractor_of_every_scale(scale):
    row = SYSTEMS["fa-fs-srgan-lite"]
    generator = row.build_generator(scale=scale, features=8, blocks=1)
    discriminator = row.build_discriminator(generator, 32)
    scores = discriminator(generator.extractor(torch.rand(2, 3, 32, 32)))
    assert scores.map.shape == (2, 3, 32, 32)


@pytest.mark.parametrize(
    ("x", "kind", "message"),
    [
        (
            torch.rand(3, 8, 8),
            ValueError,
            r"\(N, 3, H, W\) floats in \[0, 1\], not \(3, 8, 8\) torch.float32",
        ),
        (torch.rand(1, 1, 8, 8), ValueError, r"not \(1, 1, 8, 8\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), TypeError, "torch.uint8; Upscaler takes images"),
    ],
)
def test_a_model_says_what_it_takes(x, kind, message):
    with pytest.raises(kind, match=f"^RRDBNet takes a batch of RGB images.*{message}") as caught:
        RRDBNet(**RRDB)(x)
    assert isinstance(caught.value, UserError)
    assert isinstance(caught.value, WrongTypeError) == (kind is TypeError)


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:.*is deprecated:DeprecationWarning")
def test_the_check_stays_out_of_compiled_and_traced_networks():
    model = RRDBNet(**RRDB, scale=2).eval()
    x = torch.rand(1, 3, 9, 7)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    assert torch.allclose(compiled(x), model(x), atol=1e-6)
    with pytest.raises(ValueError, match="takes a batch of RGB images"):
        model(x[0])
    traced = torch.jit.trace(model, torch.rand(1, 3, 16, 16))
    assert torch.allclose(traced(x), model(x), atol=1e-6)
