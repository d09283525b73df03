"""`scripts/benchmark.py flicker`: How much still parts of an enlarged video flicker, beside the source's."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fasrgan_hub.apps.cli.options import argument, option
from fasrgan_hub.errors import UserError

BLOCK = 8
"""Side of a block in source pixels; a block is still or not as a whole."""


@dataclass
class Options:
    source: str = argument("SOURCE")
    """the video that was enlarged"""
    results: list[str] = argument("RESULT", nargs="+")
    """enlarged videos of it"""
    still: float = option("LEVELS", default=4.0, type=float)
    """a block whose mean change from frame to frame in the source is below this is still, in 1/255 (default: 4)"""


def run(options: Options) -> int:
    """The mean change of luma from frame to frame, in 1/255, over the blocks that are still in the source.

    The change is the mean absolute difference of neighboring frames. A still block of an ideal result changes no
    more than the source does there.
    """
    source = changes(Path(options.source), BLOCK)
    masks = [change < options.still for change in source]
    if not any(mask.any() for mask in masks):
        raise UserError(f"there is no still block in '{options.source}'; try a larger --still")
    before = _mean_where(source, masks)
    share = np.mean([mask.mean() for mask in masks])
    print(f"{options.source}: {before:.3f} (still: {share:.0%} of {len(masks)} changes)")
    for name in options.results:
        after = _mean_where(changes(Path(name), BLOCK, masks[0].shape), masks)
        print(f"{name}: {after:.3f} ({after / max(before, 1e-9):.2f} times the source's)")
    return 0


def changes(path: Path, block: int, grid: tuple[int, ...] | None = None) -> list[np.ndarray]:
    """For each two neighboring frames the mean absolute difference of luma in every block, (rows, columns).

    Args:
        block: side of a block in pixels, unless `grid` gives the number of rows and columns.
    """
    result: list[np.ndarray] = []
    last: np.ndarray | None = None
    for luma in _read_luma(path):
        if last is not None:
            difference = np.abs(luma - last)
            rows, columns = grid or (luma.shape[0] // block, luma.shape[1] // block)
            height, width = luma.shape[0] // rows, luma.shape[1] // columns
            blocks = difference[: rows * height, : columns * width].reshape(rows, height, columns, width)
            result.append(blocks.mean(axis=(1, 3)))
        last = luma
    return result


def _read_luma(path: Path) -> Iterator[np.ndarray]:
    from fasrgan_hub.apps.video.reading import open_video

    with open_video(path) as video:
        for frame in video.frames():
            yield frame.pixels(video.size, 8).astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def _mean_where(values: list[np.ndarray], masks: list[np.ndarray]) -> float:
    pairs = list(zip(values, masks, strict=True))
    return float(sum(value[mask].sum() for value, mask in pairs) / sum(mask.sum() for mask in masks))
