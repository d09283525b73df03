from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from fasrgan_hub.errors import UserError
from fasrgan_hub.systems import from_pretrained
from fasrgan_hub.upscaling import tiles
from fasrgan_hub.upscaling.tiles import OVERLAP, SMALLEST_TILE, spans, upscale_bands, upscale_tiled

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


@pytest.fixture
def blur() -> nn.Module:
    torch.manual_seed(0)
    return Blur().eval()


def picture(height: int, width: int) -> Tensor:
    """Edges, a ramp and noise in [0, 1]."""
    generator = torch.Generator().manual_seed(height * 1000 + width)
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    ramp = torch.stack((x / width, y / height, (x + y) / (height + width)))
    stripes = ((x // 5 + y // 7) % 2) * 0.4
    return (0.5 * ramp + stripes + 0.1 * torch.rand(3, height, width, generator=generator)).clamp(0, 1)[None]


@pytest.mark.parametrize("overlap", [0, 1, 5, 16])
@pytest.mark.parametrize("tile", [1, 2, 13, 64])
def test_spans_cover_every_pixel_once_with_context(tile: int, overlap: int) -> None:
    for length in range(1, 150):
        cut = spans(length, tile, overlap)
        assert [s.first for s in cut] == [0, *(s.last for s in cut[:-1])] and cut[-1].last == length
        assert cut[0].start == 0 and cut[-1].stop == length
        assert len({s.stop - s.start for s in cut}) == 1 and cut[0].stop <= tile + 2 * overlap
        for left, right in pairwise(cut):
            assert left.stop - left.last >= overlap and right.first - right.start >= overlap
            assert left.first < left.last


@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_tiled_equals_untiled_when_the_overlap_covers_the_receptive_field(
    blur: nn.Module, size: tuple[int, int]
) -> None:
    x = picture(*size)
    torch.testing.assert_close(upscale_tiled(blur, x, TILE, RADIUS), blur(x), rtol=0, atol=1e-5)


@torch.no_grad()
def test_too_small_an_overlap_shows_inside_and_never_at_the_borders_of_the_picture(blur: nn.Module) -> None:
    x = picture(90, 90)
    difference = (upscale_tiled(blur, x, TILE, RADIUS // 4) - blur(x)).abs()
    assert difference.max() > 1 / 255
    assert difference[..., :4, :4].max() < 1e-5 and difference[..., -4:, -4:].max() < 1e-5


@torch.no_grad()
def test_memory_is_bounded_by_the_tile(blur: nn.Module) -> None:
    seen = []

    def run(window: Tensor) -> Tensor:
        seen.append(tuple(window.shape[-2:]))
        return blur(window)

    done = []
    upscale_tiled(run, picture(100, 150), TILE, 4, progress=lambda *step: done.append(step))
    assert len(set(seen)) == 1 and max(seen[0]) <= TILE + 2 * 4
    assert done == [(i, len(seen)) for i in range(1, len(seen) + 1)]


@torch.no_grad()
def test_tile_0_takes_the_picture_whole(blur: nn.Module) -> None:
    steps = []
    upscale_tiled(blur, picture(60, 300), 0, 2, progress=lambda *step: steps.append(step))
    assert steps == [(1, 1)]


def test_the_result_has_the_type_of_what_run_gives() -> None:
    def run(window: Tensor) -> Tensor:
        return window.repeat_interleave(4, -1).repeat_interleave(4, -2)

    x = torch.randint(0, 256, (2, 1, 33, 9), dtype=torch.uint8)
    assert torch.equal(upscale_tiled(run, x, 8, 1), run(x))


def limited(run, most: int, error: Exception, seen: list[int] | None = None):
    """`run`, on a machine whose memory takes windows of `most` pixels a side."""

    def on_this_machine(window: Tensor) -> Tensor:
        if max(window.shape[-2:]) > most:
            raise error
        if seen is not None:
            seen.append(max(window.shape[-2:]))
        return run(window)

    return on_this_machine


NO_MEMORY = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory"),
]


@pytest.mark.parametrize("tile", [0, 96])
@pytest.mark.parametrize("error", NO_MEMORY, ids=lambda error: type(error).__name__)
@torch.no_grad()
def test_a_tile_that_does_not_fit_is_halved(blur: nn.Module, error: Exception, tile: int, caplog) -> None:
    x = picture(100, 150)
    seen: list[int] = []
    result = upscale_tiled(limited(blur, 70, error, seen), x, tile, RADIUS)
    torch.testing.assert_close(result, blur(x), rtol=0, atol=1e-5)
    assert max(seen) > 35  # not smaller than need be
    assert 1 <= len(caplog.messages) <= 2 and "not enough memory" in caplog.messages[0]


@torch.no_grad()
def test_memory_that_runs_out_in_the_middle_costs_no_row(blur: nn.Module, caplog) -> None:
    x = picture(150, 90)
    calls = []

    def run(window: Tensor) -> Tensor:
        calls.append(window.shape[-1])
        if len(calls) > 5 and max(window.shape[-2:]) > 50:
            raise MemoryError
        return blur(window)

    steps: list[tuple[int, int]] = []
    bands = list(upscale_bands(run, x, 40, RADIUS, lambda *step: steps.append(step)))
    torch.testing.assert_close(torch.cat(bands, dim=2), blur(x), rtol=0, atol=1e-5)
    assert len(caplog.messages) == 1 and steps[-1][0] == steps[-1][1]


def test_the_smallest_tile_that_does_not_fit_is_an_error(blur: nn.Module, caplog) -> None:
    with pytest.raises(MemoryError):
        upscale_tiled(limited(blur, SMALLEST_TILE // 2, MemoryError()), picture(100, 100), 64, 0)
    assert len(caplog.messages) == 2  # 32, 16


def test_another_error_is_not_taken_for_want_of_memory(caplog) -> None:
    def run(window: Tensor) -> Tensor:
        raise RuntimeError("expected 3 channels")

    with pytest.raises(RuntimeError, match="3 channels"):
        upscale_tiled(run, picture(100, 100), 64, 0)
    assert not caplog.messages


def test_negative_sizes_are_refused(blur: nn.Module) -> None:
    for tile, overlap in ((-1, 4), (16, -4)):
        with pytest.raises(UserError, match="negative"):
            upscale_tiled(blur, picture(4, 4), tile, overlap)


@pytest.fixture(params=["fasrgan-lite-psnr-x4", "fasrgan-lite-x4"])
def bundled(request: pytest.FixtureRequest) -> nn.Module:
    return from_pretrained(request.param)


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (64, 96), (65, 97)])
@torch.no_grad()
def test_the_default_overlap_hides_the_tiles_of_the_bundled_models(
    bundled: nn.Module, size: tuple[int, int]
) -> None:
    x = picture(*size)
    assert (upscale_tiled(bundled, x, tile=32) - bundled(x)).abs().max() <= 1 / 255


@pytest.mark.slow
@torch.no_grad()
def test_the_tile_that_is_shipped_is_hidden_too(bundled: nn.Module) -> None:
    x = picture(100, 2 * tiles.TILE + 2 * OVERLAP + 1)
    assert (upscale_tiled(bundled, x) - bundled(x)).abs().max() <= 1 / 255


@torch.no_grad()
def test_a_quarter_of_the_default_overlap_does_not(bundled: nn.Module) -> None:
    x = picture(65, 97)
    assert (upscale_tiled(bundled, x, tile=32, overlap=OVERLAP // 4) - bundled(x)).abs().max() > 1 / 255
