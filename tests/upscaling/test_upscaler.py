from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from fasrgan_hub.errors import UserError
from fasrgan_hub.images.bicubic import resize
from fasrgan_hub.images.decoded import DecodedImage
from fasrgan_hub.images.reading import read_image
from fasrgan_hub.images.writing import save_image
from fasrgan_hub.models.generators import RRDBNet
from fasrgan_hub.upscaling.engines import bicubic
from fasrgan_hub.upscaling.engines.network import find_network
from fasrgan_hub.upscaling.upscaler import Upscaler


class Repeat(nn.Module):
    """Every pixel becomes a 4x4 block of itself, plus `offset`."""

    def __init__(self, offset: float = 0.0) -> None:
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(offset))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.interpolate(x, scale_factor=4, mode="nearest") + self.offset


def blocks(pixels: np.ndarray) -> np.ndarray:
    return pixels.repeat(4, axis=0).repeat(4, axis=1)


@pytest.fixture(scope="module")
def network() -> RRDBNet:
    torch.manual_seed(0)
    return RRDBNet(blocks=1, features=8, growth=4).eval()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3), (1, 1, 3)])
def test_every_level_survives_an_engine_that_only_repeats(dtype: type, shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0).random(shape)
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    pixels = (random * top).astype(dtype)
    result = Upscaler(Repeat(), tile=3, overlap=1)(pixels)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, blocks(pixels), rtol=1e-6)


@pytest.mark.parametrize("offset", [-2.0, 2.0])
def test_what_leaves_the_range_is_clipped_not_wrapped(offset: float) -> None:
    result = Upscaler(Repeat(offset))(np.full((2, 2, 3), 128, np.uint8))
    assert np.unique(result).tolist() == [255 if offset > 0 else 0]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_a_pillow_image_keeps_its_family(network: nn.Module, mode: str) -> None:
    result = Upscaler(network)(Image.new(mode, (3, 5)))
    assert result.size == (12, 20)
    assert result.mode == {"1": "L", "P": "RGB", "CMYK": "RGB"}.get(mode, mode)


@pytest.mark.parametrize("name", ["image.png", "image.webp"])
def test_a_path_gives_a_pillow_image(tmp_path: Path, network: nn.Module, name: str) -> None:
    Image.new("RGB", (3, 5), "red").save(tmp_path / name)
    for path in (tmp_path / name, str(tmp_path / name)):
        result = Upscaler(network)(path)
        assert isinstance(result, Image.Image) and result.size == (12, 20)
        assert np.array_equal(result, Upscaler(network)(read_image(path)).pixels)


def test_a_path_to_what_no_pillow_image_holds_is_refused_before_the_work(tmp_path: Path) -> None:
    save_image(DecodedImage(np.zeros((3, 5, 3), np.uint16)), tmp_path / "deep.png")
    steps: list[tuple[int, int]] = []
    with pytest.raises(UserError, match="no images of RGB with 16 bits"):
        Upscaler("bicubic")(tmp_path / "deep.png", lambda *step: steps.append(step))
    assert not steps


def test_an_image_keeps_what_it_knows(network: nn.Module) -> None:
    image = DecodedImage(np.zeros((2, 3, 3), np.uint8), b"icc", b"exif", (72.0, 72.0))
    result = Upscaler(network)(image)
    assert (result.icc, result.exif, result.dpi) == (b"icc", b"exif", (72.0, 72.0))
    assert result.size == (12, 8) and image.size == (3, 2)


def test_alpha_is_bicubic_and_does_not_touch_the_colors(network: nn.Module) -> None:
    pixels = np.random.default_rng(0).integers(1, 256, (20, 30, 4), np.uint8)
    upscale = Upscaler(network, tile=8, overlap=4)
    result = upscale(pixels)
    np.testing.assert_array_equal(result[:, :, :3], upscale(pixels[:, :, :3]))
    alpha = resize(torch.from_numpy(pixels[:, :, 3]).double() / 255, 4).clamp(0, 1) * 255
    assert np.abs(result[:, :, 3] - alpha.numpy()).max() <= 0.51
    pixels[:, :, 3] = 255
    assert (upscale(pixels)[:, :, 3] == 255).all()


def test_gray_is_the_network_on_equal_channels(network: nn.Module) -> None:
    gray = np.random.default_rng(0).integers(0, 256, (6, 8), np.uint8)
    x = torch.from_numpy(gray).float()[None, None].expand(1, 3, -1, -1) / 255
    with torch.no_grad():
        expected = network(x).clamp(0, 1).mean(1)[0].numpy() * 255
    assert np.abs(Upscaler(network, precision="f32", edges="zeros")(gray) - expected).max() <= 0.51


def test_bicubic_is_a_model_name() -> None:
    pixels = np.random.default_rng(0).random((9, 11, 3))
    expected = resize(torch.from_numpy(pixels).permute(2, 0, 1), 4).clamp(0, 1).permute(1, 2, 0)
    np.testing.assert_allclose(Upscaler("bicubic")(pixels), expected, atol=1e-6)
    np.testing.assert_allclose(Upscaler("bicubic", tile=2, overlap=2)(pixels), expected, atol=1e-6)


def test_read_only_and_reversed_arrays_are_fine() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    pixels.flags.writeable = False
    np.testing.assert_array_equal(Upscaler(Repeat())(pixels[::-1, ::-1]), blocks(pixels[::-1, ::-1]))


def test_the_callers_module_stays_as_it_is() -> None:
    module = Repeat().train()
    Upscaler(module, precision="bf16")
    assert module.training and module.offset.dtype == torch.float32


def test_bfloat16_is_close_to_float32(network: nn.Module) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 3), np.uint8)
    exact = Upscaler(network, precision="f32")(pixels).astype(int)
    assert np.abs(Upscaler(network, engine="torch", precision="bf16")(pixels) - exact).max() <= 4


def test_an_engine_takes_and_gives_arrays(network: nn.Module) -> None:
    y = Upscaler(network).engine(np.random.default_rng(0).random((1, 3, 4, 5), np.float32))
    assert isinstance(y, np.ndarray) and y.shape == (1, 3, 16, 20) and y.dtype == np.float32


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((4, 4, 5), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
        (np.zeros((4, 4), np.int64), "int64"),
        (np.zeros((4, 4), bool), "bool"),
        ([[1, 2]], "list"),
        (np.full((4, 4, 3), 118.0), r"floats up to 118; they must lie in \[0, 1\]"),
        (np.full((4, 4, 3), np.nan), "infinite or not a number"),
    ],
)
def test_what_is_no_image_is_refused(pixels: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Upscaler("bicubic")(pixels)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tile": -1}, "negative"),
        ({"overlap": -1}, "negative"),
        ({"device": "nonsense"}, "nonsense"),
        ({"precision": "f64"}, "f64"),
        ({"edges": "clamp"}, "mirror, wrap, zeros"),
    ],
)
def test_wrong_settings_are_refused(network: nn.Module, arguments: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Upscaler(network, **arguments)


def test_the_overlap_follows_the_depth_of_the_network() -> None:
    small = {"features": 4, "growth": 2}
    assert [find_network(RRDBNet(blocks=blocks, **small)).blocks for blocks in (1, 23)] == [1, 23]
    assert find_network(RRDBNet(blocks=15, shared_blocks=2, **small)).blocks == 17
    assert find_network("fasrgan-lite-x4").blocks == 6

    class Foreign(nn.Sequential):
        pass

    assert find_network(Foreign(RRDBNet(blocks=5, **small))).blocks == 5
    deep = Upscaler(RRDBNet(blocks=23, **small), engine="torch")
    assert deep.overlap == 57 and deep.tile > 256
    assert (Upscaler("bicubic").tile, Upscaler("bicubic").overlap) == (256, 16)
    assert Upscaler("bicubic", tile=0).tile == 0 and Upscaler("bicubic", overlap=0).overlap == 0


class Twice(nn.Module):
    """Somebody else's network of another scale."""

    scale = 2

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.interpolate(x, scale_factor=2, mode="nearest")


@pytest.mark.parametrize("scale", [None, 1.5, 2, 3, 4])
def test_a_model_enlarges_by_its_own_scale_by_default(scale: float | None) -> None:
    pixels = np.full((6, 8, 4), 200, np.uint8)
    upscaler = Upscaler(Twice(), scale=scale, tile=4, overlap=1, match_color=True)
    steps: list[tuple[int, int]] = []
    result = upscaler.run(pixels, lambda *step: steps.append(step))
    assert upscaler.model_scale == 2 and steps[-1][0] == steps[-1][1] == len(steps)
    side = scale or 2
    assert result.image.shape == (6 * side, 8 * side, 4) and (result.image == 200).all()
    assert result.color_shift == pytest.approx((0, 0, 0), abs=1e-3)


def test_a_scale_beyond_the_square_of_the_models_is_refused() -> None:
    with pytest.raises(UserError, match=r"scale 4.5 is out of range; .* at most 4$"):
        Upscaler(Twice(), scale=4.5)


def test_a_model_of_another_scale_than_it_says_is_refused() -> None:
    wrong = Twice()
    wrong.scale = 4
    with pytest.raises(UserError, match="made 48x44 pixels of a tile of 24x22, not 4 times"):
        Upscaler(wrong)(np.zeros((6, 8, 3), np.uint8))


def test_a_tensor_is_for_the_model() -> None:
    with pytest.raises(UserError, match=r"model\(x\)"):
        Upscaler("bicubic")(torch.zeros(1, 3, 4, 4))


@pytest.fixture
def biased() -> Upscaler:
    """Shifts red, green and blue by 4, 2 and 1 levels of 255."""
    upscaler = Upscaler("bicubic", tile=8, overlap=2, match_color=True)
    shift = np.array([4, 2, 1], np.float32)[None, :, None, None] / 255
    upscaler.engine = lambda x: bicubic(x) + shift * (x[0, 0, 0, 0] > 0.4)
    return upscaler


SHIFT = pytest.approx((4, 2, 1), abs=1e-3)
NONE = pytest.approx((0, 0, 0), abs=1e-3)


def test_what_a_call_measured_comes_with_its_result(biased: Upscaler) -> None:
    light, dark = (np.full((20, 20, 3), level, np.uint8) for level in (128, 64))
    assert [biased.run(image).color_shift for image in (light, dark, light)] == [SHIFT, NONE, SHIFT]
    biased.match_color = False
    assert biased.run(light).color_shift is None


def test_a_call_that_was_given_up_leaves_nothing_for_the_next(biased: Upscaler) -> None:
    light, dark = (np.full((20, 20, 3), level, np.uint8) for level in (128, 64))
    next(biased.bands(light))

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        biased.run(light, stop)
    assert biased.run(dark).color_shift == NONE


def test_calls_that_take_turns_measure_each_its_own(biased: Upscaler) -> None:
    light, dark = (np.full((40, 20, 3), level, np.uint8) for level in (128, 64))
    first, second = biased.bands(light), biased.bands(dark)
    assert first.color_shift is None
    pairs = list(zip(first, second, strict=True))
    assert len(pairs) > 1
    assert (first.color_shift, second.color_shift) == (SHIFT, NONE)


def test_threads_share_an_upscaler(biased: Upscaler) -> None:
    images = [np.full((30, 30, 3), 128 if index % 2 else 64, np.uint8) for index in range(16)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(biased.run, images))
    for index, (image, result) in enumerate(zip(images, results, strict=True)):
        assert result.color_shift == (SHIFT if index % 2 else NONE)
        assert np.array_equal(result.image, biased(image))


@pytest.mark.parametrize("scale", [None, 2, 3, 8])
def test_nearest_makes_squares_of_pixels_and_of_their_alpha(scale) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    pixels[:, :, 3] |= 1  # colors under transparent pixels are filled in
    factor = scale or 4
    expected = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    assert np.array_equal(Upscaler("nearest", scale=scale)(pixels), expected)
