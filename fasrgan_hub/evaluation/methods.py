"""What is compared: models of this package and of others, bicubic, functions, folders of finished images."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from torch import nn

from .. import __version__
from ..errors import UserError
from ..hub.model_files import CONFIG, FOREIGN, SCALE, UNSHUFFLE, ModelFiles, is_foreign_file, model_files
from ..images.decoded import DecodedImage
from ..images.listing import is_image
from ..upscaling.engines import BASELINES, NEAREST
from ..upscaling.model_choice import AUTO, LIMITS, choices, choose_model
from ..upscaling.spandrel_model import read_spandrel
from ..upscaling.tiles import ZEROS
from ..upscaling.upscaler import Upscaler
from .score_cache import content_hash

Upscale = Callable[[np.ndarray], np.ndarray]
"""h x w x 3 uint8 -> sh x sw x 3 uint8."""

# The literature enlarges images whole. So does this, up to x4 LR images of this side (DIV2K's have 510 pixels);
# larger ones go in tiles, with more context than the deepest of the networks noticeably uses.
TILE = 512
OVERLAP = 64


@dataclass(frozen=True)
class Method:
    """One row of a comparison: something that enlarges, or a folder of its finished images.

    Args:
        name: as tables print it.
        key: a hash of what decides its results, for the cache of scores; "" for what cannot be hashed.
        make: loads what enlarges by a factor, on first use; None for finished images.
        folder: the finished images, or a folder of them for each benchmark, by the benchmark's name.
        scale: the factor of a network that says its own; None for what has none or has not been read yet.
    """

    name: str
    key: str = ""
    make: Callable[[int], Upscale] | None = None
    folder: Path | None = None
    scale: int | None = None

    def upscale_by(self, scale: int) -> Upscale:
        """What enlarges by this factor; a network of another factor is resized, as `Upscaler` does it."""
        assert self.make is not None, "finished images are not enlarged"
        if scale not in self._made:
            self._made[scale] = self.make(scale)
        return self._made[scale]

    @cached_property
    def _made(self) -> dict[int, Upscale]:
        return {}

    def folder_for(self, benchmark: str) -> Path | None:
        """Where its finished images of a benchmark lie; None for a method that enlarges."""
        if self.folder is None:
            return None
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path.is_dir() and plain_name(path.name) == plain_name(benchmark):
                return path
        return self.folder


def open_method(spec: Any, **options: Any) -> Method:
    """The method that `spec` is or names.

    Args:
        spec: "bicubic", "nearest"; "auto" (`choose_model` by the pixels of each image); a bundled model's name, a
            model's folder or a Hub id; a folder of finished images; a file that spandrel reads; each of them also
            as NAME=...; or a module or a function of h x w x 3 uint8.
        options: of the `Upscaler` of a named model, such as `device`, `fidelity` or `ensemble`. Unless they
            say otherwise, networks compute in float32 under torch, as in the literature, and with its edges.

    Raises UserError if there is no such thing.
    """
    if isinstance(spec, Method):
        return spec
    if isinstance(spec, nn.Module):
        make = partial(_make_upscaler, spec, options)
        return Method(type(spec).__name__, make=make, scale=_scale_of(spec))
    if callable(spec):
        name = getattr(spec, "__name__", type(spec).__name__)
        return Method(name, make=partial(_ignore_scale, spec), scale=_scale_of(spec))
    name, place = split_name(str(spec))
    if name == place and Path(place).exists():
        name = PurePath(place).name
    return _open_place(name, place, options)


def _open_place(name: str, place: str, options: dict[str, Any]) -> Method:
    path = Path(place)
    decisive = json.dumps([__version__, options], sort_keys=True, default=str)
    if place in BASELINES:
        return Method(name, content_hash([], place, decisive), partial(_make_upscaler, place, {}))
    if place == AUTO:
        weights = [model_files(model).weights for model in choices()]
        return Method(name, content_hash(weights, place, decisive, LIMITS), partial(_make_auto, options))
    if path.is_file() and is_foreign_file(path):
        make, scale = partial(_make_upscaler, place, options), read_spandrel(path).scale
        return Method(name.removesuffix(path.suffix), content_hash([path], decisive), make, scale=scale)
    if path.is_file():
        raise UserError(
            f"'{place}' is neither a model nor a folder of images; models end in {', '.join(FOREIGN)}"
        )
    if path.is_dir() and not (path / CONFIG).is_file() and _holds_images(path):
        return Method(name, folder=path)
    files = model_files(place, revision=options.get("revision"))
    key = content_hash([files.config_file, files.weights], decisive)
    return Method(name, key, partial(_make_upscaler, files, options), scale=files.scale)


def choose_scale(methods: Sequence[Method], scale: int | None = None) -> int:
    """The factor at which methods are compared: `scale`, else that of the networks among them, else 4.

    Raises UserError if no factor is named and the networks have several.
    """
    own = {method.scale: method.name for method in methods if method.scale}
    if scale is None and len(own) > 1:
        some = " and ".join(f"'{name}' {factor} times" for factor, name in list(own.items())[:2])
        raise UserError(f"{some}: these enlarge by several factors; name the one to compare at with --scale")
    return scale or next(iter(own), SCALE)


def split_name(spec: str) -> tuple[str, str]:
    """NAME=WHAT -> (NAME, WHAT); what has no name, or is a path with "=" in it, names itself."""
    name, _, place = spec.partition("=")
    return (name, place) if place and not Path(spec).exists() else (spec, spec)


def plain_name(name: str) -> str:
    """Without case and punctuation: Div2k-Val and "DIV2K val" are the same benchmark."""
    return re.sub(r"[\W_]", "", name).lower()


def _holds_images(folder: Path) -> bool:
    """Whether images lie in a folder or in a folder in it."""
    return any(is_image(path.name) for pattern in ("*", "*/*") for path in folder.glob(pattern))


def _scale_of(function: object) -> int | None:
    """The attribute `scale` of a module, a model's files or an Upscaler, if it is a whole number."""
    scale = getattr(function, "scale", None)
    return int(scale) if isinstance(scale, int | float) and scale == int(scale) else None


def _ignore_scale(function: Upscale, scale: int) -> Upscale:
    return function


def _make_auto(options: dict[str, Any], scale: int) -> Upscale:
    methods = {model: open_method(model, **options) for model in (*choices(), NEAREST)}

    def upscale(image: np.ndarray) -> np.ndarray:
        return methods[choose_model(DecodedImage(image)).model].upscale_by(scale)(image)

    return upscale


def _make_upscaler(model: str | ModelFiles | nn.Module, options: dict[str, Any], scale: int) -> Upscaler:
    step = UNSHUFFLE.get(_scale_of(model) or SCALE, 1)
    literature = {
        "engine": "torch",
        "precision": "f32",
        "tile": TILE * step,
        "overlap": OVERLAP * step,
        "edges": ZEROS,
    }
    return Upscaler(model, **{**literature, "scale": scale, **options})
