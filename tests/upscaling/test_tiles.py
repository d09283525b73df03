from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fasrgan_hub.errors import UserError
from fasrgan_hub.systems import FASRGAN, from_pretrained
from fasrgan_hub.upscaling import tiles
from fasrgan_hub.upscaling.tiles import OVERLAP, SMALLEST_TILE, Run, spans, upscale_bands

TILE = 16
RADIUS = 12
SIZES = [(1, 1), (7, 50), (1, 100), (48, 64), (49, 65), (47, 63), (2 * TILE + 2 * RADIUS + 1, 30)]


class Blur(nn.Module):
    """A stand-in with a known receptive field: pixels more than RADIUS away do not count."""

    def __init__(self) -> None:
        super().__init__()
        self.blur = nn.Conv2d(3, 3, 2 * RADIUS + 1, padding=RADIUS, groups=3)
        nn.init.uniform_(self.blur.weight, 0, 2 / (2 * RADIUS + 1) ** 2)
        nn.init.zeros_(self.blur.bias)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.interpolate(self.blur(x), scale_factor=4, mode="nearest")


def on_arrays(network: nn.Module) -> Run:
    @torch.inference_mode()
    def run(window: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(window.copy()).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()

    return run


@pytest.fixture
def blur() -> Run:
    torch.manual_seed(0)
    return on_arrays(Blur().eval())


def image(height: int, width: int) -> np.ndarray:
    """(height, width, 3): edges, a ramp and noise in [0, 1]."""
    noise = np.random.default_rng(height * 1000 + width).random((height, width, 3))
    y, x = np.mgrid[:height, :width]
    ramp = np.stack((x / width, y / height, (x + y) / (height + width)), axis=2)
    stripes = ((x // 5 + y // 7) % 2)[:, :, None] * 0.4
    return (0.5 * ramp + stripes + 0.1 * noise).clip(0, 1).astype(np.float32)


def upscale_tiled(run: Run, x: np.ndarray, *cut, **more) -> np.ndarray:
    return np.concatenate(list(upscale_bands(run, x, *cut, **more)))


def off(run: Run, x: np.ndarray, *cut, **more) -> np.ndarray:
    """How far the tiled result is from the whole one, pixel by pixel."""
    return abs(upscale_tiled(run, x, *cut, **more) - run(x))


@pytest.mark.parametrize("step", [1, 2, 4])
@pytest.mark.parametrize("overlap", [0, 1, 5, 16])
@pytest.mark.parametrize("tile", [1, 2, 13, 64])
def test_spans_cover_every_pixel_once_with_context(tile: int, overlap: int, step: int) -> None:
    most = tile + 2 * overlap + (2 * step if step > 1 else 0)
    for length in range(1, 150):
        cut = spans(length, tile, overlap, step)
        assert all(s.start % step == 0 for s in cut)
        assert [s.first for s in cut] == [0, *(s.last for s in cut[:-1])] and cut[-1].last == length
        assert cut[0].start == 0 and cut[-1].stop == length
        assert len({s.stop - s.start for s in cut}) == 1 and cut[0].stop <= most
        for left, right in pairwise(cut):
            assert left.stop - left.last >= overlap and right.first - right.start >= overlap
            assert left.first < left.last


@pytest.mark.parametrize("margin", [1, 6, 40])
@pytest.mark.parametrize("overlap", [0, 5, 16])
@pytest.mark.parametrize("tile", [1, 13, 64])
def test_spans_with_a_margin_cover_every_pixel_once_with_context(
    tile: int, overlap: int, margin: int
) -> None:
    for length in range(1, 150):
        cut = spans(length, tile, overlap, margin=margin)
        assert [s.first for s in cut] == [0, *(s.last for s in cut[:-1])] and cut[-1].last == length
        assert len({s.stop - s.start for s in cut}) == 1 and cut[0].stop - cut[0].start <= tile + 2 * overlap
        reach = min(overlap, margin)
        for span in cut:
            assert span.first < span.last
            assert span.first - span.start >= reach and span.stop - span.last >= reach
            assert span.start >= -margin and span.stop <= length + margin


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("margin", [1, RADIUS, 3 * RADIUS])
def test_the_margin_shows_the_reflection_or_the_other_side(
    blur: Run, size: tuple[int, int], margin: int, wrap: bool
) -> None:
    x = image(*size)
    mode = "wrap" if wrap else "symmetric"
    padded = blur(np.pad(x, ((margin, margin), (margin, margin), (0, 0)), mode=mode))
    expected = padded[4 * margin : -4 * margin, 4 * margin : -4 * margin]
    for tile in (TILE, 0):
        result = upscale_tiled(blur, x, tile, RADIUS, margin=margin, wrap=wrap)
        assert result.shape == expected.shape and abs(result - expected).max() < 1e-5


@pytest.mark.parametrize("size", SIZES)
def test_tiled_equals_untiled_when_the_overlap_covers_the_receptive_field(
    blur: Run, size: tuple[int, int]
) -> None:
    x = image(*size)
    assert off(blur, x, TILE, RADIUS).max() < 1e-5


def test_too_small_an_overlap_shows_inside_and_never_at_the_borders_of_the_image(blur: Run) -> None:
    x = image(90, 90)
    difference = off(blur, x, TILE, RADIUS // 4)
    assert difference.max() > 1 / 255
    assert difference[:4, :4].max() < 1e-5 and difference[-4:, -4:].max() < 1e-5


def test_memory_is_bounded_by_the_tile(blur: Run) -> None:
    shapes = []

    def run(window: np.ndarray) -> np.ndarray:
        shapes.append(window.shape[:2])
        return blur(window)

    done = []
    upscale_tiled(run, image(100, 150), TILE, 4, progress=lambda *step: done.append(step))
    assert len(set(shapes)) == 1 and max(shapes[0]) <= TILE + 2 * 4
    assert done == [(i, len(shapes)) for i in range(1, len(shapes) + 1)]


def test_tile_0_takes_the_image_whole(blur: Run) -> None:
    steps = []
    upscale_tiled(blur, image(60, 300), 0, 2, progress=lambda *step: steps.append(step))
    assert steps == [(1, 1)]


def test_the_result_has_the_type_of_what_run_gives() -> None:
    def run(window: np.ndarray) -> np.ndarray:
        return window.repeat(4, 0).repeat(4, 1)

    x = np.random.default_rng(0).integers(0, 256, (33, 9, 1), np.uint8)
    result = upscale_tiled(run, x, 8, 1)
    assert result.dtype == np.uint8 and np.array_equal(result, run(x))


def limited(run: Run, most: int, error: Exception, sides: list[int] | None = None) -> Run:
    """`run`, on a machine whose memory takes windows of `most` pixels a side."""

    def on_this_machine(window: np.ndarray) -> np.ndarray:
        if max(window.shape[:2]) > most:
            raise error
        if sides is not None:
            sides.append(max(window.shape[:2]))
        return run(window)

    return on_this_machine


NO_MEMORY = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory"),
]


@pytest.mark.parametrize("tile", [0, 96])
@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda error: type(error).__name__)
def test_a_tile_that_does_not_fit_is_halved(blur: Run, error: Exception, tile: int, caplog) -> None:
    x = image(100, 150)
    sides: list[int] = []
    result = upscale_tiled(limited(blur, 70, error, sides), x, tile, RADIUS)
    assert abs(result - blur(x)).max() < 1e-5
    assert max(sides) > 35  # not smaller than need be
    assert 1 <= len(caplog.messages) <= 2 and "not enough memory" in caplog.messages[0]


def test_memory_that_runs_out_in_the_middle_costs_no_row(blur: Run, caplog) -> None:
    x = image(150, 90)
    calls = []

    def run(window: np.ndarray) -> np.ndarray:
        calls.append(window.shape)
        if len(calls) > 5 and max(window.shape) > 50:
            raise MemoryError
        return blur(window)

    steps: list[tuple[int, int]] = []
    bands = list(upscale_bands(run, x, 40, RADIUS, lambda *step: steps.append(step)))
    assert abs(np.concatenate(bands) - blur(x)).max() < 1e-5
    assert len(caplog.messages) == 1 and steps[-1][0] == steps[-1][1]


def test_the_smallest_tile_that_does_not_fit_is_an_error(blur: Run, caplog) -> None:
    with pytest.raises(MemoryError):
        upscale_tiled(limited(blur, SMALLEST_TILE // 2, MemoryError()), image(100, 100), 64, 0)
    assert len(caplog.messages) == 2  # 32, 16


def test_another_error_is_not_taken_for_want_of_memory(caplog) -> None:
    def run(window: np.ndarray) -> np.ndarray:
        raise RuntimeError("expected 3 channels")

    with pytest.raises(RuntimeError, match="3 channels"):
        upscale_tiled(run, image(100, 100), 64, 0)
    assert not caplog.messages


def test_negative_sizes_are_refused(blur: Run) -> None:
    for tile, overlap in ((-1, 4), (16, -4)):
        with pytest.raises(UserError, match="negative"):
            upscale_tiled(blur, image(4, 4), tile, overlap)


@pytest.fixture(params=["fasrgan-lite-psnr-x4", "fasrgan-lite-x4"])
def bundled(request: pytest.FixtureRequest) -> Run:
    return on_arrays(from_pretrained(request.param))


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (64, 96), (65, 97)])
def test_the_default_overlap_hides_the_tiles_of_the_bundled_models(
    bundled: Run, size: tuple[int, int]
) -> None:
    x = image(*size)
    assert off(bundled, x, tile=32).max() <= 1 / 255


@pytest.mark.parametrize("scale", [1, 2])
def test_tiles_begin_where_the_pixel_unshuffle_does(scale: int) -> None:
    """Whatever the size of the image; without that, and without more context, the tiles show."""
    torch.manual_seed(0)
    network = FASRGAN(blocks=2, features=8, growth=4, scale=scale).eval()
    run, side = on_arrays(network), network.unshuffle
    for size in ((70, 45), (97, 66)):
        x = image(*size)
        assert off(run, x, 24, 16 * side, step=side).max() < 1e-5
    assert off(run, image(97, 66), 25, 16).max() > 1e-3


@pytest.mark.slow
def test_the_tile_that_is_shipped_is_hidden_too(bundled: Run) -> None:
    x = image(100, 2 * tiles.TILE + 2 * OVERLAP + 1)
    assert off(bundled, x).max() <= 1 / 255


def test_a_quarter_of_the_default_overlap_does_not(bundled: Run) -> None:
    x = image(65, 97)
    assert off(bundled, x, tile=32, overlap=OVERLAP // 4).max() > 1 / 255
