import numpy as np
import pytest
import torch

from fasrgan_hub.models.generators import RRDBNet
from fasrgan_hub.upscaling.engines import bicubic, make_engine
from fasrgan_hub.upscaling.engines.choice import Choice
from fasrgan_hub.upscaling.engines.network import find_network
from fasrgan_hub.upscaling.ensemble import self_ensemble
from fasrgan_hub.upscaling.upscaler import Upscaler

SHAPES = [(2, 3, 5, 9), (1, 3, 1, 6), (1, 3, 1, 1), (1, 3, 8, 8)]


@pytest.fixture(scope="module")
def engine():
    torch.manual_seed(0)
    return make_engine(find_network(RRDBNet(blocks=1, features=8, growth=4)), Choice("torch", "f32"))


def image(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).random(shape, np.float32)


def turned(x: np.ndarray) -> list[np.ndarray]:
    """The eight poses, made here in another way: quarter turns, plain and mirrored."""
    poses = [np.rot90(pose, turns, (-2, -1)) for pose in (x, x[..., ::-1]) for turns in range(4)]
    return [pose.copy() for pose in poses]


@pytest.mark.parametrize("shape", SHAPES)
def test_an_engine_that_treats_directions_alike_is_unchanged(shape: tuple[int, ...]) -> None:
    x = image(shape)
    np.testing.assert_allclose(self_ensemble(bicubic)(x), bicubic(x), atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_result_turns_with_the_image(engine, shape: tuple[int, ...]) -> None:
    x = image(shape)
    ensemble = self_ensemble(engine)
    mirrored = engine(x[..., ::-1])
    assert x.size < 9 or not np.allclose(mirrored, engine(x)[..., ::-1], atol=1e-4)
    for there, back in zip(turned(x), turned(ensemble(x)), strict=True):
        np.testing.assert_allclose(ensemble(there), back, atol=1e-5, rtol=0)


def test_it_is_the_mean_of_eight(engine) -> None:
    inputs = []

    def remember(x: np.ndarray) -> np.ndarray:
        inputs.append(x.copy())
        return np.zeros((*x.shape[:2], 4 * x.shape[2], 4 * x.shape[3]), np.float32)

    x = image((1, 3, 4, 6))
    self_ensemble(remember)(x)
    assert len(inputs) == 8
    for pose in turned(x):
        assert sum(np.array_equal(pose, other) for other in inputs) == 1


def test_tiles_that_are_not_square(engine) -> None:
    torch.manual_seed(0)
    network = RRDBNet(blocks=1, features=8, growth=4)
    pixels = image((21, 50, 3))
    whole = Upscaler(network, engine="torch", precision="f32", ensemble=True, tile=0)(pixels)
    tiled = Upscaler(network, engine="torch", precision="f32", ensemble=True, tile=16, overlap=16)(pixels)
    assert abs(whole - tiled).max() < 1e-5
    assert abs(whole - Upscaler(network, engine="torch", precision="f32", tile=0)(pixels)).max() > 1e-4
