"""The Upscaler: image in, image of four times its width and height (or any other factor) out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from PIL import Image

from ..errors import UserError, WrongTypeError
from ..hub.model_files import DEFAULT_MODEL, read_config
from ..images.decoded import DecodedImage, joined, to_image
from ..images.reading import from_image, read_image
from . import color
from .engines import BICUBIC, bicubic, make_engine
from .engines.choice import choose
from .engines.network import is_ours
from .ensemble import self_ensemble
from .scale import check_scale, scaled
from .tiles import SCALE, Progress, default_overlap, default_tile, upscale_bands
from .transparency import fill_transparent

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .score_map import Judgeable, ScoreMap, ScoreMapPredictor

Same = TypeVar("Same", DecodedImage, np.ndarray, Image.Image)


class Upscaler:
    """Enlarges images, four times unless told otherwise, tile by tile.

    >>> Upscaler("fasrgan-lite-x4")("photo.jpg").save("photo_x4.png")

    Args:
        model: a bundled name, a folder, a Hub id, "bicubic" or a module (N, 3, H, W) -> (N, 3, 4H, 4W) on
            [0, 1], which is copied.
        engine: "torch", "openvino", "onnx", or "auto" for the fastest of those that this machine has.
        precision: "f32", "f16" (accelerators only), "bf16" or "int8"; None for what suits the machine.
        fidelity: 0 to 1: how far the network's weights go from the model's own, which look most real, to those of
            its L1-stage sibling, which invents least; see `fidelity.load_between`.
        faithful: that sibling, for a model named NAME-x4 by default NAME-psnr-x4.
        ensemble: average over the eight turned and mirrored poses, at eight times the cost.
        match_color: let the low frequencies of the result agree with the image; `drift.take()` tells how far off
            they were.
        scale: the factor, above 0 and up to 16; sides are rounded. What the network makes is shrunk with antialiased
            bicubic; above 4 it first runs on its own result, which is then held in memory.
        revision: branch, tag or commit of a Hub id.
        tile: side of a tile in input pixels (default 256, 285 for 23 residual blocks): smaller takes less memory;
            0 takes the image whole.
        overlap: context around a tile in input pixels; default 2.5 for every residual block of the network, at
            least 16, which keeps tiled and untiled results together (see `tiles.default_overlap`).
        device: where a network runs, such as "cpu" or "cuda:1"; default CUDA if there is one, else the CPU.

    `engine_name` says what computes: "openvino bf16", say.

    Raises UserError for a model, tile, engine, precision or device that cannot be used.
    """

    def __init__(
        self,
        model: str | Path | nn.Module = DEFAULT_MODEL,
        *,
        engine: str = "auto",
        precision: str | None = None,
        fidelity: float | None = None,
        faithful: str | Path | nn.Module | None = None,
        ensemble: bool = False,
        match_color: bool = False,
        scale: float = SCALE,
        revision: str | None = None,
        tile: int | None = None,
        overlap: int | None = None,
        device: str | torch.device | None = None,
    ):
        if (tile or 0) < 0 or (overlap or 0) < 0:
            raise UserError(f"tile {tile} and overlap {overlap} must not be negative")
        check_scale(scale)
        self.scale = scale
        self._named, self._revision = model, revision
        self._judge: ScoreMapPredictor | None = None
        if fidelity is not None:
            from .network_interpolation import load_between

            model = load_between(model, fidelity, faithful, revision)
        foreign = not isinstance(model, str | Path) and not is_ours(model)
        choice = choose(engine, precision, device, foreign)
        self.engine_name = BICUBIC if isinstance(model, str) and model == BICUBIC else str(choice)
        self.engine = make_engine(model, choice, revision)
        self.overlap = default_overlap(depth(model, revision)) if overlap is None else overlap
        self.tile = default_tile(self.overlap) if tile is None else tile
        if ensemble:
            self.engine = self_ensemble(self.engine)
        self.drift = color.Drift()
        if match_color:
            self.engine = color.match_color(self.engine, self.drift)

    @overload
    def __call__(self, image: str | Path, progress: Progress | None = None) -> Image.Image: ...
    @overload
    def __call__(self, image: Same, progress: Progress | None = None) -> Same: ...

    def __call__(
        self, image: str | Path | DecodedImage | np.ndarray | Image.Image, progress: Progress | None = None
    ) -> DecodedImage | np.ndarray | Image.Image:
        """Enlarge one image; the same kind comes out, and a Pillow image for a path.

        Gray stays gray; alpha is enlarged with bicubic beside the colors, which are first continued under
        what is fully transparent; profile, EXIF and resolution go along.

        Args:
            image: a file; a Pillow image of any mode; a `DecodedImage`; or an array (H, W) or (H, W, C) of
                uint8, uint16 or floats in [0, 1], where C is 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and
                alpha.
            progress: called with (tiles done, tiles in all).

        Raises UserError for a file that cannot be read, an array that is no image, or a file of 16-bit colors,
        which no Pillow image holds.
        """
        if isinstance(image, str | Path):
            read = read_image(image)
            _ = read.mode  # UserError before the work, not after it, if Pillow has no such images
            return to_image(self(read, progress))
        if isinstance(image, Image.Image):
            return to_image(self(from_image(image), progress))
        if isinstance(image, DecodedImage):
            return replace(image, pixels=self(image.pixels, progress))
        check_array(image)
        if image.ndim == 2:
            return self(image[:, :, None], progress)[:, :, 0]
        width, height = self.enlarged(image.shape[1::-1])
        return joined(self.bands(image, progress), (height, width, image.shape[2]), image.dtype)

    def enlarged(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of what an image of this (width, height) becomes."""
        return scaled(size[0], self.scale), scaled(size[1], self.scale)

    def bands(self, pixels: np.ndarray, progress: Progress | None = None) -> Iterator[np.ndarray]:
        """The result from top to bottom, in bands of rows that are computed when they are asked for.

        This is how an image becomes a file whose pixels are more than memory holds.

        Args:
            pixels: (H, W, C) as in `__call__`.
            progress: called with (tiles done, tiles in all).

        Yields (h, width, C) of the type of `pixels`; width and the sum of the h are what `enlarged` says.
        """
        check_array(pixels)
        tiles = 0
        size = pixels.shape[1], pixels.shape[0]
        if self.scale > SCALE:
            width, height = SCALE * size[0], SCALE * size[1]

            def told(done: int, total: int) -> None:
                nonlocal tiles
                tiles = total
                if progress is not None:
                    progress(done, total * (1 + SCALE**2))

            pixels = joined(self._four_times(pixels, told), (height, width, pixels.shape[2]), pixels.dtype)

        def told_all(done: int, total: int) -> None:
            if progress is not None:
                progress(tiles + done, tiles + total)

        yield from self._four_times(pixels, told_all, self.enlarged(size))

    def _four_times(
        self, pixels: np.ndarray, progress: Progress, size: tuple[int, int] | None = None
    ) -> Iterator[np.ndarray]:
        """Once through the network, and then to the `size` (width, height) if that is another."""
        height, width = SCALE * pixels.shape[0], SCALE * pixels.shape[1]
        bands = upscale_bands(self._enlarge, pixels, self.tile, self.overlap, progress)
        if size and size != (width, height):
            from ..images.resampling import resize_bands

            bands = resize_bands(bands, (height, width), (size[1], size[0]))
        yield from bands

    def score_map(self, image: Judgeable, progress: Progress | None = None) -> ScoreMap:
        """What the discriminator that came with this model says of an image as it is, such as a result.

        Arguments, result and errors as of `score_map.ScoreMapPredictor`.
        """
        from .score_map import ScoreMapPredictor

        if not isinstance(self._named, str | Path):
            raise UserError(
                "a module comes without a discriminator; judge with ScoreMapPredictor(NAME_OF_A_MODEL)"
            )
        self._judge = self._judge or ScoreMapPredictor(self._named, revision=self._revision)
        return self._judge(image, progress)

    def _enlarge(self, window: np.ndarray) -> np.ndarray:
        """One tile, (h, w, C) of any type -> (4h, 4w, C) of the same type."""
        whole = window.dtype.kind == "u"
        levels = np.iinfo(window.dtype).max if whole else 1
        x = window.transpose(2, 0, 1)[None].astype(np.float32, order="C") / np.float32(levels)
        count = 1 if x.shape[1] < 3 else 3
        colors, alpha = x[:, :count], x[:, count:]
        if alpha.shape[1]:
            colors = fill_transparent(colors, alpha)
        y = self.engine(colors if count == 3 else colors.repeat(3, axis=1))
        if count == 1:
            y = y.clip(0, 1).mean(axis=1, keepdims=True)
        if alpha.shape[1]:
            y = np.concatenate((y, bicubic(alpha)), axis=1)
        y = y.clip(0, 1)
        if whole:
            np.rint(np.multiply(y, levels, out=y), out=y)
        return y[0].transpose(1, 2, 0).astype(window.dtype)


def depth(model: str | Path | nn.Module, revision: str | None = None) -> int:
    """How many residual blocks a network has; a foreign one is reckoned to have 15 convolutions in each, as ESRGAN."""
    if isinstance(model, str) and model == BICUBIC:
        return 0
    if isinstance(model, str | Path):
        config: Any = read_config(model, revision=revision)
    elif is_ours(model):
        config = model.config
    else:
        return sum(type(layer).__name__ == "Conv2d" for layer in model.modules()) // 15
    return config.get("blocks", 0) + config.get("shared_blocks", 0)


def check_array(pixels: np.ndarray) -> None:
    """Raise UserError unless this array is an image, as `Upscaler.__call__` describes it."""
    if not isinstance(pixels, np.ndarray):
        kind = type(pixels).__name__
        hint = "; call the model itself for a tensor: model(x)" if kind == "Tensor" else ""
        raise WrongTypeError(
            f"an image is a path, a Pillow image, a DecodedImage or an array, not {kind}{hint}"
        )
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and not 1 <= pixels.shape[2] <= 4) or 0 in pixels.shape:
        raise UserError(f"an array of shape {pixels.shape} is no image; (H, W) or (H, W, 1 to 4) is")
    if pixels.dtype not in (np.uint8, np.uint16) and not np.issubdtype(pixels.dtype, np.floating):
        raise UserError(f"pixels of type {pixels.dtype} cannot be used; uint8, uint16 and floats can")
