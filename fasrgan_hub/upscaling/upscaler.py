"""The Upscaler: an image in, the same image at the model's multiple of its size (or any other) out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from PIL import Image

from ..hub.model_files import DEFAULT_MODEL, ModelFiles
from ..images.decoded import DecodedImage, join_bands, to_image
from ..images.inputs import ImageInput, check_array, decode
from .channels import enlarge_tile
from .color import ColorShift, match_color
from .engines import open_engine, open_model
from .engines.choice import choose
from .engines.network import Engine, is_ours
from .ensemble import self_ensemble
from .map_maker import MapMaker
from .results import Bands, Upscaled
from .scale import check_scale, scaled
from .tiles import (
    MIRROR,
    WRAP,
    Progress,
    check_tiles,
    default_margin,
    default_overlap,
    default_tile,
    upscale_bands,
)

if TYPE_CHECKING:
    import torch
    from torch import nn


Same = TypeVar("Same", DecodedImage, np.ndarray, Image.Image)


class Upscaler(MapMaker):
    """Enlarges images tile by tile. Several threads may share one.

    >>> Upscaler("fasrgan-lite-x4")("photo.jpg").save("photo_x4.png")

    Args:
        model: a bundled name, a folder, a Hub id, "bicubic", "nearest", a .safetensors or .pth file of another
            program (`spandrel_model`), or a module (N, 3, H, W) -> (N, 3, sH, sW) on [0, 1], which is copied; s is
            its attribute `scale`, 4 without one.
        engine: "torch", "openvino", "onnx", or "auto" for the fastest that is installed; "torch" for a file.
        precision: "f32", "bf16", "f16" (torch; slow on a CPU) or "int8" (OpenVINO); None for what suits the machine.
        fidelity: 0 to 1, interpolates between the weights of `model` (0, the default), whose results look most
            real, and those of its L1-stage sibling (1), which invents least; see `network_interpolation.blend`.
        denoise: 0 to 1, interpolates between the weights of the sibling for clean images (0), which keeps noise
            and JPEG artefacts as if they were detail, and those of `model` (1, the default).
        faithful: the L1-stage sibling; default NAME-psnr-x4 for a model named NAME-x4.
        ensemble: average over the eight rotations and reflections, at eight times the cost.
        match_color: correct the low frequencies of the result so that they agree with the image.
        scale: the factor, up to the square of the model's own, which is the default; sides are rounded. The
            network's result is shrunk with antialiased bicubic; above its own factor the network first runs on its
            own result, which is then held in memory.
        revision: branch, tag or commit of a Hub id.
        tile: side of a tile in input pixels (default 256, 285 for 23 residual blocks; for networks of scale 2 twice,
            of scale 1 four times as many): smaller tiles take less memory; 0 enlarges the image in one piece.
        overlap: context around a tile in input pixels; default 2.5 for every residual block of the network, at
            least 16, at scale 2 and 1 as many times as much, which keeps tiled and untiled results alike (see
            `tiles.default_overlap`).
        edges: what networks see beyond the edges of the image: "mirror", its reflection; "wrap", its other side, so
            that a seamless texture stays one; "zeros", nothing, as in the literature, which discolors the outermost
            pixels.
        device: where a network runs, such as "cpu" or "cuda:1"; default CUDA if available, else the CPU.

    `engine_name` says what computes, such as "openvino bf16".

    Raises UserError for a model, tile, edges, engine, precision or device that cannot be used.
    """

    def __init__(
        self,
        model: str | Path | ModelFiles | nn.Module = DEFAULT_MODEL,
        *,
        engine: str = "auto",
        precision: str | None = None,
        fidelity: float | None = None,
        denoise: float | None = None,
        faithful: str | Path | nn.Module | None = None,
        ensemble: bool = False,
        match_color: bool = False,
        scale: float | None = None,
        revision: str | None = None,
        tile: int | None = None,
        overlap: int | None = None,
        edges: str = MIRROR,
        device: str | torch.device | None = None,
    ):
        check_tiles(tile, overlap)
        model = open_model(model, revision) if isinstance(model, str | Path) else model
        self._model, self._faithful, self._ensemble = model, faithful, ensemble
        self._denoise = 1.0 if denoise is None else denoise
        if fidelity is not None or denoise is not None:
            from .network_interpolation import blend

            model = blend(model, fidelity or 0.0, self._denoise, faithful)
        foreign = not isinstance(model, str | ModelFiles) and not is_ours(model)
        if check_runtime := getattr(model, "check_runtime", None):
            check_runtime(engine, precision)
        self._choice = choice = choose(engine, precision, device, foreign)
        opened = open_engine(model, choice, scale)
        self.engine_name, self.model_scale, self._step = opened.name, opened.scale, opened.step
        self.engine: Engine = self_ensemble(opened.colors) if ensemble else opened.colors
        self._alpha = opened.alpha
        self.match_color = match_color
        self.scale = self.model_scale if scale is None else scale
        check_scale(self.scale, self.model_scale)
        self.overlap = default_overlap(opened.blocks, opened.unshuffle) if overlap is None else overlap
        self.tile = default_tile(self.overlap, opened.unshuffle) if tile is None else tile
        self.edges, self._margin = edges, default_margin(edges, self.overlap, opened.unshuffle)

    @overload
    def __call__(self, image: str | Path, progress: Progress | None = None) -> Image.Image: ...
    @overload
    def __call__(self, image: Same, progress: Progress | None = None) -> Same: ...

    def __call__(
        self, image: ImageInput, progress: Progress | None = None
    ) -> DecodedImage | np.ndarray | Image.Image:
        """Enlarge one image and return the same kind of image; a Pillow image for a path.

        Arguments and errors are those of `run`.
        """
        return self.run(image, progress).image

    @overload
    def run(self, image: str | Path, progress: Progress | None = None) -> Upscaled[Image.Image]: ...
    @overload
    def run(self, image: Same, progress: Progress | None = None) -> Upscaled[Same]: ...

    def run(self, image: ImageInput, progress: Progress | None = None) -> Upscaled[Any]:
        """Enlarge one image, and return it together with what was measured.

        Gray stays gray. Alpha is enlarged with bicubic (by "nearest" as the colors), apart from the colors; colors
        under fully transparent pixels are first filled in from their surroundings. Profile, EXIF and resolution
        are kept.

        Args:
            image: as in `images.inputs.decode`.
            progress: called with (tiles done, tiles in all).

        Raises UserError for a file that cannot be read, an animation, an array that is not an image, or a file of
        16-bit colors, which no Pillow image holds.
        """
        source = decode(image)
        if isinstance(image, str | Path):
            _ = source.mode  # raises before the work if Pillow has no such images
        bands = self.bands(source.pixels, progress)
        width, height = self.enlarged(source.size)
        pixels = join_bands(bands, (height, width, source.channels), source.pixels.dtype)
        shift = bands.color_shift
        if isinstance(image, np.ndarray):
            return Upscaled(pixels if image.ndim == 3 else pixels[:, :, 0], shift)
        result = replace(source, pixels=pixels)
        return Upscaled(result if isinstance(image, DecodedImage) else to_image(result), shift)

    def enlarged(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of the result for an image of this (width, height)."""
        return scaled(size[0], self.scale), scaled(size[1], self.scale)

    def bands(self, pixels: np.ndarray, progress: Progress | None = None) -> Bands:
        """The result in bands of rows, so that it may become a file that is larger than memory.

        Args:
            pixels: (H, W, C) as in `images.inputs.decode`.
            progress: called with (tiles done, tiles in all).

        Returns an iterator over (h, width, C) of the type of `pixels`; `enlarged` says the width and the sum of
        the heights h.
        """
        check_array(pixels)
        shift = ColorShift()
        return Bands(self._bands(pixels, progress or _ignore, shift), shift)

    def _bands(self, pixels: np.ndarray, progress: Progress, shift: ColorShift) -> Iterator[np.ndarray]:
        """The network on the image, on its own result too if the factor needs that, then the exact size."""
        engine = match_color(self.engine, shift) if self.match_color else self.engine
        size = self.enlarged((pixels.shape[1], pixels.shape[0]))
        first = 0

        def one_pass(x: np.ndarray, report: Progress) -> Iterator[np.ndarray]:
            run = partial(enlarge_tile, engine, self._alpha, self.model_scale)
            margin, wrap = self._margin, self.edges == WRAP
            return upscale_bands(
                run, x, self.tile, self.overlap, report, self._step, margin=margin, wrap=wrap
            )

        def report_first(done: int, total: int) -> None:
            nonlocal first
            first = total
            progress(done, total * (1 + self.model_scale**2))

        def report_last(done: int, total: int) -> None:
            progress(first + done, first + total)

        if self.scale > self.model_scale:
            shape = (self.model_scale * pixels.shape[0], self.model_scale * pixels.shape[1], pixels.shape[2])
            pixels = join_bands(one_pass(pixels, report_first), shape, pixels.dtype)
        bands = one_pass(pixels, report_last)
        height, width = (self.model_scale * side for side in pixels.shape[:2])
        if size != (width, height):
            from ..images.resampling import resize_bands

            bands = resize_bands(bands, (height, width), (size[1], size[0]), self.edges == WRAP)
        yield from bands

    @cached_property
    def faithful(self) -> Upscaler:
        """The same at fidelity 1: with the model of the L1 stage. Raises UserError if there is none."""
        choice = self._choice
        return Upscaler(
            self._model,
            fidelity=1.0,
            denoise=self._denoise,
            faithful=self._faithful,
            engine=choice.engine,
            precision=choice.precision,
            device=choice.device,
            ensemble=self._ensemble,
            match_color=self.match_color,
            scale=self.scale,
            tile=self.tile,
            overlap=self.overlap,
            edges=self.edges,
        )

    def _open_reference(self, name: str) -> Upscaler:
        """Another model, run as this one is, but not in int8: the estimator knows exact results."""
        from .error_map import reference_files

        files, choice = reference_files(name, self.model_scale), self._choice
        precision = choice.uncalibrated
        return Upscaler(
            files, engine=choice.engine, precision=precision, device=choice.device, edges=self.edges
        )


def _ignore(done: int, total: int) -> None:
    """No progress is reported."""
