"""The paper's figures, drawn from numbers and images that `figure_data` computes.

Fig. 5 (`draw_tradeoff`), Fig. 6-8, 10, 11 and 14 (`draw_crops`), Fig. 9 (`draw_training`), Fig. 12
(`first_block_features`, `draw_features`) and Fig. 13 (`draw_depths`). Each writes one file, whose ending (.png, .pdf,
.svg) says its format. Needs matplotlib.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...errors import UserError
from ...evaluation.plotting import new_figure, save_figure
from ...metrics.named import METRICS
from ...metrics.pixels import size_of
from ...models.generators import Generator

Box = tuple[int, int, int, int]
"""Left, top, width and height of a patch, in pixels of the HR image."""


def draw_tradeoff(points: Mapping[str, tuple[float, float]], target: Path) -> None:
    """Fig. 5: every method at its (RMSE, LPIPS); the nearer to the lower left corner, the better."""
    figure = new_figure(6.5, 4)
    axis = figure.subplots()
    # Named beside the plot: methods lie close together.
    for (name, (error, distance)), marker in zip(points.items(), cycle("osD^vP*X"), strict=False):
        axis.scatter(error, distance, s=40, marker=marker, label=name)
    figure.legend(loc="outside right upper", fontsize=8)
    axis.set(xlabel=_described("rmse"), ylabel=_described("lpips"))
    axis.margins(0.15)
    axis.grid(alpha=0.3)
    save_figure(figure, target, dpi=150)


def draw_crops(
    truth: np.ndarray,
    results: Mapping[str, np.ndarray],
    scores: Mapping[str, Mapping[str, float]],
    box: Box,
    target: Path,
    name: str = "",
) -> None:
    """Fig. 6 and its like: the whole image with the box, then the box out of the original and out of each result.

    Args:
        truth: the HR image, (H, W, 3) uint8.
        results: by method, (H', W', 3) uint8; a result may lack rows and columns at the right and the bottom.
        scores: by method and metric, of the whole image; they stand under the method's patch.
        name: written under the whole image.
    """
    _check_box(box, [truth, *results.values()])
    left, top, width, height = box
    from matplotlib.patches import Rectangle

    patches = {"HR": truth, **results}
    columns = -(-len(patches) // 2)
    figure = new_figure(3.2 + 1.7 * columns, 4.2)
    grid = figure.add_gridspec(2, columns + 2)
    whole = figure.add_subplot(grid[:, :2])
    whole.imshow(truth)
    whole.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor="red", linewidth=1.5))
    whole.set_title(name, fontsize=9, y=-0.08)
    whole.axis("off")
    for number, (method, image) in enumerate(patches.items()):
        axis = figure.add_subplot(grid[number // columns, 2 + number % columns])
        axis.imshow(image[top : top + height, left : left + width], interpolation="nearest")
        row = scores.get(method, {})
        values = (f"{value:.{METRICS[metric].digits}f}" for metric, value in row.items())
        axis.set_xlabel("\n".join([method, "/".join(map(str.upper, row)), "/".join(values)]), fontsize=7)
        axis.set(xticks=[], yticks=[])
    save_figure(figure, target, dpi=150)


def _check_box(box: Box, images: Sequence[np.ndarray]) -> None:
    left, top, width, height = box
    text = f"the box {left},{top},{width},{height}"
    if min(left, top) < 0 or min(width, height) < 1:
        raise UserError(f"{text} is empty or outside; give left,top,width,height")
    for image in images:
        if left + width > image.shape[1] or top + height > image.shape[0]:
            raise UserError(f"{text} reaches beyond the image of {size_of(image)} pixels")


def draw_training(curves: Mapping[str, Sequence[tuple[int, float]]], score: str, target: Path) -> None:
    """Fig. 9: one score ("Set14 lpips") over the training of several runs, each a sequence of (step, value)."""
    figure = new_figure(6, 3.6)
    axis = figure.subplots()
    for name, points in curves.items():
        axis.plot(*zip(*points, strict=True), marker=".", label=name)
    *where, metric = score.split(" ")
    axis.set(xlabel="step", ylabel=" ".join([*where, _described(metric)]))
    axis.legend(fontsize=8)
    axis.grid(alpha=0.3)
    save_figure(figure, target, dpi=150)


def first_block_features(generator: Generator, lr: Tensor) -> Tensor:
    """Fig. 12: the output of the first residual block, the shared extractor's where there is one.

    (1, 3, H, W) in [0, 1] -> (C, H, W).
    """
    trunk = generator.body if generator.extractor is None else generator.extractor.body
    outputs: list[Tensor] = []
    handle = next(iter(trunk)).register_forward_hook(lambda block, x, y: outputs.append(y))
    try:
        with torch.inference_mode():
            generator(lr)
    finally:
        handle.remove()
    return outputs[0][0].float()


def draw_features(
    features: Mapping[str, Tensor], target: Path, channels: Sequence[int] = (), count: int = 4
) -> None:
    """Fig. 12: the same channels of several networks' feature maps (C, H, W), each scaled to its own range.

    Without `channels`, the `count` channels that vary most over the image, on average of the networks.
    """
    depth = min(len(maps) for maps in features.values())
    if not channels:
        spread = torch.stack([maps[:depth].flatten(1).std(1) / maps.std() for maps in features.values()])
        channels = spread.mean(0).argsort(descending=True)[:count].tolist()
    for channel in channels:
        if not 0 <= channel < depth:
            raise UserError(f"there is no channel {channel}; these networks have 0 to {depth - 1}")
    figure = new_figure(2.4 * len(channels), 2.4 * len(features))
    axes = figure.subplots(len(features), len(channels), squeeze=False)
    for row, (name, maps) in zip(axes, features.items(), strict=True):
        for axis, channel in zip(row, channels, strict=True):
            axis.imshow(maps[channel].numpy(), cmap="gray")
            axis.set_title(f"channel {channel}", fontsize=8)
            axis.set(xticks=[], yticks=[])
        row[0].set_ylabel(name, fontsize=9)
    save_figure(figure, target, dpi=150)


def draw_depths(scores: Mapping[str, Mapping[str, float]], target: Path) -> None:
    """Fig. 13: every score over the depth of the shared extractor, `scores["E1G16"]["psnr"]`; a panel for each."""
    metrics = list(next(iter(scores.values())))
    figure = new_figure(3 * len(metrics), 2.8)
    for axis, metric in zip(figure.subplots(1, len(metrics), squeeze=False)[0], metrics, strict=True):
        axis.plot(list(scores), [row[metric] for row in scores.values()], marker="o")
        axis.set_title(_described(metric), fontsize=9)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    figure.supxlabel("residual blocks of the shared extractor", fontsize=9)
    save_figure(figure, target, dpi=150)


def _described(name: str) -> str:
    """A metric for an axis; other names as they are."""
    return METRICS[name].described if name in METRICS else name
