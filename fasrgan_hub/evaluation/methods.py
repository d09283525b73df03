"""What is compared: models of this package and of others, bicubic, folders of finished images."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch
from torch import nn

from .. import __version__
from ..errors import MissingPackageError, UserError
from ..hub.model_files import CONFIG, SCALE, ModelFiles, model_files
from ..hub.tensor_files import read_tensors
from ..images.reading import READABLE
from ..metrics.lpips import as_tensor
from ..upscaling.engines import BICUBIC
from ..upscaling.upscaler import Upscaler
from .benchmarks import content_hash

Upscale = Callable[[np.ndarray], np.ndarray]
"""h x w x 3 uint8 -> 4h x 4w x 3 uint8."""

FOREIGN = (".pth", ".pt", ".ckpt", ".safetensors")

# The literature enlarges images whole. So does this, up to LR images of this side (DIV2K's have 510 pixels);
# larger ones go in tiles with more context than the deepest of the networks looks at noticeably.
TILE = 512
OVERLAP = 64


@dataclass(frozen=True)
class Method:
    """One row of a comparison: something that enlarges, or a folder of what it has made.

    Args:
        name: as tables print it.
        key: a hash of what decides its results, for the cache of scores; "" for what cannot be hashed.
        make: loads what enlarges, when it is first needed; None for finished images.
        folder: the finished images, or folders of them by the names of the sets.
    """

    name: str
    key: str = ""
    make: Callable[[], Upscale] | None = None
    folder: Path | None = None

    @cached_property
    def upscale(self) -> Upscale:
        assert self.make is not None, "finished images are not enlarged"
        return self.make()

    def folder_for(self, set_name: str) -> Path | None:
        """Where its finished images of a set lie; None for what enlarges."""
        if self.folder is None:
            return None
        wanted = re.sub(r"[\W_]", "", set_name).lower()
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path.is_dir() and re.sub(r"[\W_]", "", path.name).lower() == wanted:
                return path
        return self.folder


def open_method(spec: Any, **settings: Any) -> Method:
    """The method that `spec` is or names.

    Args:
        spec: "bicubic"; a bundled model's name, a model's folder or a Hub id; a folder of finished images; a file
            that spandrel reads; each of them also as NAME=...; or a module or a function of h x w x 3 uint8.
        settings: options of the `Upscaler` of a named model, such as `device`, `fidelity` or `ensemble`. Unless they
            say otherwise, networks compute in float32 under torch, as in the literature.

    UserError if there is no such thing.
    """
    if isinstance(spec, Method):
        return spec
    if isinstance(spec, nn.Module):
        return Method(type(spec).__name__, make=partial(_upscaler, spec, settings))
    if callable(spec):
        return Method(getattr(spec, "__name__", type(spec).__name__), make=partial(_itself, spec))
    name, place = str(spec), str(spec)
    if "=" in name and not Path(name).exists():
        name, place = name.split("=", 1)
    else:
        name = PurePath(place).name if Path(place).exists() else place
    told = json.dumps([__version__, settings], sort_keys=True, default=str)
    path = Path(place)
    if place == BICUBIC:
        return Method(name, content_hash([], BICUBIC, told), partial(_upscaler, BICUBIC, {}))
    if path.is_file() and path.suffix.lower() in FOREIGN:
        return Method(
            name.removesuffix(path.suffix),
            content_hash([path], told),
            partial(_foreign, path, settings.get("device")),
        )
    if path.is_dir() and not (path / CONFIG).is_file() and _finished(path):
        return Method(name, folder=path)
    if path.is_file():
        raise UserError(
            f"'{place}' is neither a model nor a folder of images; models end in {', '.join(FOREIGN)}"
        )
    files = model_files(place, revision=settings.get("revision"))
    key = content_hash([files.config_file, files.weights], told)
    return Method(name, key, partial(_upscaler, files, settings))


def _finished(folder: Path) -> bool:
    return any(
        path.suffix.lower() in READABLE
        for place in (folder, *folder.iterdir())
        if place.is_dir()
        for path in place.iterdir()
    )


def _itself(function: Upscale) -> Upscale:
    return function


def _upscaler(model: str | ModelFiles | nn.Module, settings: dict[str, Any]) -> Upscaler:
    return Upscaler(
        model, **{"engine": "torch", "precision": "f32", "tile": TILE, "overlap": OVERLAP, **settings}
    )


def _foreign(path: Path, device: Any = None) -> Upscale:
    """A network of another program, through spandrel; of the file only tensors are read."""
    try:
        import spandrel
    except (ImportError, RuntimeError) as error:  # RuntimeError: a torchvision of another torch
        raise MissingPackageError(
            f"'{path}' is read by spandrel, which cannot be imported ({error}); pip install 'fasrgan-hub[compare]'"
        ) from error
    try:
        described = spandrel.ModelLoader("cpu").load_from_state_dict(read_tensors(path))
    except spandrel.UnsupportedModelError as error:
        raise UserError(f"'{path}' is of an architecture that spandrel does not know") from error
    except (RuntimeError, ValueError, KeyError) as error:  # sizes that its guess of the architecture misses
        raise UserError(f"'{path}' cannot be loaded by spandrel: {str(error).splitlines()[0]}") from error
    if not isinstance(described, spandrel.ImageModelDescriptor) or described.input_channels != 3:
        raise UserError(f"'{path}' holds no network for color images")
    if described.scale != SCALE:
        raise UserError(f"'{path}' enlarges by {described.scale}, not by {SCALE}")
    described.eval().to(torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu")))

    def upscale(image: np.ndarray) -> np.ndarray:
        # Whole, as the literature does it; spandrel pads to the sizes that the architecture can do.
        result = described(as_tensor(image, described.device))[0]
        return (result * 255).round().byte().permute(1, 2, 0).cpu().numpy()

    return upscale
