import pytest
import torch
from torch import Tensor

from fasrgan_hub.models.generators import RRDBNet
from fasrgan_hub.upscaling.engines import bicubic
from fasrgan_hub.upscaling.ensemble import self_ensemble
from fasrgan_hub.upscaling.upscaler import Upscaler

SHAPES = [(2, 3, 5, 9), (1, 3, 1, 6), (1, 3, 1, 1), (1, 3, 8, 8)]


@pytest.fixture(scope="module")
def engine():
    torch.manual_seed(0)
    network = RRDBNet(blocks=1, features=8, growth=4).eval()
    return torch.inference_mode()(network.forward)


def turned(x: Tensor) -> list[Tensor]:
    """The eight poses, made here in another way: quarter turns, plain and mirrored."""
    return [pose.rot90(turns, (-2, -1)) for pose in (x, x.flip(-1)) for turns in range(4)]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_engine_that_treats_directions_alike_is_unchanged(shape: tuple[int, ...]) -> None:
    x = torch.rand(shape)
    torch.testing.assert_close(self_ensemble(bicubic)(x), bicubic(x), atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_result_turns_with_the_picture(engine, shape: tuple[int, ...]) -> None:
    x = torch.rand(shape)
    ensemble = self_ensemble(engine)
    assert x.numel() < 9 or not torch.allclose(engine(x.flip(-1)), engine(x).flip(-1), atol=1e-4)
    for there, back in zip(turned(x), turned(ensemble(x)), strict=True):
        torch.testing.assert_close(ensemble(there), back, atol=1e-5, rtol=0)


def test_it_is_the_mean_of_eight(engine) -> None:
    seen = []

    def remember(x: Tensor) -> Tensor:
        seen.append(x.clone())
        return torch.zeros(*x.shape[:2], 4 * x.shape[2], 4 * x.shape[3])

    x = torch.rand(1, 3, 4, 6)
    self_ensemble(remember)(x)
    assert len(seen) == 8
    for pose in turned(x):
        assert sum(pose.shape == other.shape and torch.equal(pose, other) for other in seen) == 1


def test_tiles_that_are_not_square(engine) -> None:
    torch.manual_seed(0)
    network = RRDBNet(blocks=1, features=8, growth=4)
    pixels = torch.rand(21, 50, 3).numpy()
    whole = Upscaler(network, engine="torch", precision="f32", ensemble=True, tile=0)(pixels)
    tiled = Upscaler(network, engine="torch", precision="f32", ensemble=True, tile=16, overlap=16)(pixels)
    assert abs(whole - tiled).max() < 1e-5
    assert abs(whole - Upscaler(network, engine="torch", precision="f32", tile=0)(pixels)).max() > 1e-4
