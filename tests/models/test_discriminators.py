"""Heads tied to the crop and pooled heads, odd sizes, options."""

import json

import pytest
import torch

from fasrgan_hub.models.discriminators import REACH, STRIDE, HaarBands, UNetDiscriminator, VGGDiscriminator


@pytest.mark.parametrize("kind", [UNetDiscriminator, VGGDiscriminator])
def test_the_papers_head_takes_its_crop_alone(kind):
    network = kind(width=4, crop=64, hidden=8)
    assert network(torch.rand(2, 3, 64, 64)).image.shape == (2, 1)
    with pytest.raises(ValueError, match="takes 64x64"):
        network(torch.rand(2, 3, 96, 64))
    with pytest.raises(ValueError, match="multiple of"):
        kind(width=4, crop=100, hidden=8)


@pytest.mark.parametrize("size", [(8, 8), (9, 15), (33, 70)])
def test_the_pooled_unet_takes_any_size_from_8(size):
    image, score_map = UNetDiscriminator(width=4, crop=0, hidden=8).eval()(torch.rand(1, 3, *size))
    assert image.shape == (1, 1)
    assert score_map.shape == (1, 3, *size)


def test_the_pooled_vgg_takes_any_size_from_32():
    network = VGGDiscriminator(width=4, crop=0, hidden=8).eval()
    for size in [(32, 32), (50, 33)]:
        assert network(torch.rand(1, 3, *size)).image.shape == (1, 1)


def test_the_vgg_has_six_stages_from_192_pixels_on():
    with torch.device("meta"):
        strided = [
            sum(getattr(layer, "stride", 1) == (2, 2) for layer in VGGDiscriminator(crop=crop).features)
            for crop in (128, 192)
        ]
    assert strided == [5, 6]


def test_the_references_eps_slip_is_an_option():
    def eps(**options):
        first = UNetDiscriminator(width=4, crop=0, hidden=8, **options).down[1]
        return first[1].eps, first[4].eps

    assert eps() == (1e-5, 1e-5)
    assert eps(bn_eps_slip=True) == (8.0, 1e-5)


def test_without_norm_images_of_a_batch_do_not_influence_each_other():
    x = torch.rand(3, 3, 16, 16)
    for norm, independent in (("none", True), ("batch", False)):
        torch.manual_seed(0)
        network = UNetDiscriminator(width=4, crop=0, hidden=8, norm=norm)
        alone, together = network(x[:2]).map[0], network(x).map[0]
        assert torch.allclose(alone, together, atol=1e-5) == independent
    with pytest.raises(ValueError, match="norm is 'group'"):
        UNetDiscriminator(norm="group")


def test_haar_bands_separate_directions_and_keep_the_size():
    rows = torch.arange(16) % 2.0
    across, down = rows.expand(1, 3, 16, 16), rows[:, None].expand(1, 3, 16, 16)
    for images, stripes in ((down, 0), (across, 1), ((across + down) % 2, 2)):
        bands = HaarBands()(images)
        assert bands.shape == (1, 9, 16, 16)
        strengths = [part[..., :-1, :-1].abs().mean().item() for part in bands.chunk(3, dim=1)]
        assert strengths == [float(band == stripes) for band in range(3)]


@pytest.mark.parametrize("kind", [UNetDiscriminator, VGGDiscriminator])
def test_a_discriminator_of_haar_bands_sees_no_color_shift(kind, tmp_path):
    kind(width=4, crop=0, hidden=8, input="haar").save_pretrained(tmp_path)
    network, x = kind.from_pretrained(tmp_path), torch.rand(1, 3, 40, 40)
    shifted = x + torch.tensor([0.1, -0.2, 0.05]).view(3, 1, 1)
    torch.testing.assert_close(network(shifted).image, network(x).image, atol=1e-6, rtol=1e-4)
    assert not torch.allclose(network(x / 2).image, network(x).image, atol=1e-6, rtol=1e-2)
    with pytest.raises(ValueError, match="only images have"):
        kind(in_channels=8, width=4, crop=0, hidden=8, input="haar")
    with pytest.raises(ValueError, match="input is 'sym7'; it must be one of image, haar"):
        kind(width=4, crop=0, hidden=8, input="sym7")


def aligned(**options):
    torch.manual_seed(2)
    return UNetDiscriminator(
        **{"width": 4, "crop": 0, "hidden": 8, "norm": "none", "upsample": "aligned"} | options
    )


@pytest.mark.parametrize("size", [(8, 8), (9, 15), (33, 70), (64, 63)])
def test_aligned_upsampling_takes_any_size_and_the_same_weights(size):
    network, x = aligned().eval(), torch.rand(1, 3, *size)
    assert network(x).map.shape == (1, 3, *size)
    paper = UNetDiscriminator(width=4, crop=0, hidden=8, norm="none")
    paper.load_state_dict(network.state_dict())
    assert torch.equal(paper(x).image, network(x).image)
    assert not torch.allclose(paper(x).map, network(x).map, atol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("options", [{}, {"own_blocks": 1}, {"input": "haar"}])
def test_a_pixel_of_an_aligned_map_depends_on_pixels_within_reach(options):
    """What is not a number spreads to all that depends on it."""
    network, furthest = aligned(**options).eval(), 0
    for place in range(96, 104):
        x = torch.zeros(1, 3, 8, 208)
        x[..., place] = torch.nan
        columns = network(x).map.isnan().any(dim=2)[0, 0].nonzero().flatten()
        furthest = max(furthest, place - int(columns[0]), int(columns[-1]) - place)
    assert network.reach - 1 <= furthest <= network.reach


@torch.inference_mode()
def test_moving_the_image_by_the_stride_moves_the_aligned_map_alone():
    x = torch.rand(1, 3, 160, 168)
    for upsample, moves in (("aligned", True), ("paper", False)):
        network = aligned(upsample=upsample).eval()
        moved = network(x[..., STRIDE:]).map - network(x).map[..., STRIDE:]
        assert (moved[..., REACH:-REACH, REACH:-REACH].abs().max() < 1e-5) == moves
        assert (network.reach is not None) == moves
    assert aligned(crop=32).reach is None and VGGDiscriminator(width=4, crop=0, hidden=8).reach is None


def test_configurations_without_the_option_upsample_as_the_paper(tmp_path):
    aligned(upsample="paper").save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    settings = json.loads(config.read_text())
    assert settings.pop("upsample") == "paper"
    config.write_text(json.dumps(settings))
    network, x = UNetDiscriminator.from_pretrained(tmp_path), torch.rand(1, 3, 40, 40)
    assert torch.equal(network(x).map, aligned(upsample="paper").eval()(x).map)
    with pytest.raises(ValueError, match="upsample is 'cubic'; it must be one of paper, aligned"):
        aligned(upsample="cubic")
