"""Loads the models that visitors name, and keeps those that were used last."""

import os
import re
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import RemoteEntryNotFoundError

from ...errors import UserError
from ...hub.model_files import (
    BUNDLED,
    CONFIG,
    DEFAULT_MODEL,
    DISCRIMINATOR,
    WEIGHTS,
    bundled_models,
    read_config,
)
from ...hub.transfer import TIMEOUT, download, hub_errors
from ...models.generators import Generator
from ...systems import from_pretrained
from ...upscaling.engines import BICUBIC
from ...upscaling.network_interpolation import sibling
from ...upscaling.score_map import ScoreMapPredictor
from ...upscaling.tiles import TILE
from ...upscaling.upscaler import Upscaler

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
MAX_LOADED = 4
"""Upscalers, and score map predictors, that are kept in memory."""
MAX_DOWNLOADED = 8
"""Models of the Hub that are kept on disk."""
MAX_SIZES = {"blocks": 32, "shared_blocks": 8, "features": 64, "growth": 32}
MAX_SIZES |= {"in_channels": 64, "own_blocks": 2, "width": 64, "crop": 256, "hidden": 1024}
"""What the config.json of a downloaded model may say: the paper's sizes and little more. With a network that is small
on disk one tile could otherwise take hours, or all memory, and a job cannot be stopped within a tile."""
MAX_CONFIG_MEGABYTES = 0.1

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True)
class UpscaleSettings:
    """How to enlarge an image; see `Upscaler` for each field."""

    model: str = DEFAULT_MODEL
    fidelity: float = 0.0
    scale: float = 4
    match_color: bool = False


class ModelCache:
    """Loads and keeps models. A visitor may name a bundled model or a public model of the Hub, but no folder.

    Args:
        max_megabytes: of the weights of a model that is downloaded.
    """

    def __init__(self, max_megabytes: float):
        self.max_megabytes = max_megabytes
        self.lock = threading.Lock()
        self.upscalers: OrderedDict[UpscaleSettings, Upscaler] = OrderedDict()
        self.predictors: OrderedDict[str, ScoreMapPredictor] = OrderedDict()
        self.downloaded: OrderedDict[str, Path] = OrderedDict()
        self.folder = TemporaryDirectory(prefix="fasrgan-models-", ignore_cleanup_errors=True)
        # On a Space the token is the owner's, whose private models are not for visitors.
        self.token = False if os.environ.get("SPACE_ID") else None

    def upscaler(self, settings: UpscaleSettings) -> Upscaler:
        """The Upscaler for these settings. UserError if the model cannot be loaded."""
        with self.lock:
            return _load_once(self.upscalers, settings, self._load_upscaler)

    def score_map_predictor(self, model: str) -> ScoreMapPredictor:
        """The predictor with a model's discriminator, or the default model's if it has none; `name` says which.

        UserError if the model cannot be loaded.
        """
        with self.lock:
            return _load_once(self.predictors, model, self._load_predictor)

    def _load_upscaler(self, settings: UpscaleSettings) -> Upscaler:
        options: dict[str, Any] = {"scale": settings.scale, "match_color": settings.match_color, "tile": TILE}
        if settings.fidelity and settings.model != BICUBIC:
            faithful = self._load_generator(sibling(settings.model))
            options |= {"fidelity": settings.fidelity, "faithful": faithful}
        return Upscaler(self._load_generator(settings.model), **options)

    def _load_generator(self, model: str) -> str | Generator:
        """The name of a bundled model; a downloaded model itself, so that no converted copies of it are kept."""
        location = self._resolve(model)
        if isinstance(location, str):
            return location
        with _errors_name(model, location):
            return from_pretrained(location)

    def _load_predictor(self, model: str) -> ScoreMapPredictor:
        location = self._resolve(model)
        if isinstance(location, str):
            has_discriminator = (BUNDLED / location / DISCRIMINATOR).is_dir()
            return ScoreMapPredictor(location if has_discriminator else UpscaleSettings.model)
        try:
            self._download_missing(model, location, DISCRIMINATOR)
        except UserError as error:
            if isinstance(error.__cause__, RemoteEntryNotFoundError):
                return ScoreMapPredictor(UpscaleSettings.model)
            raise
        with _errors_name(model, location):
            predictor = ScoreMapPredictor(location)
        predictor.name = model
        return predictor

    def _resolve(self, model: str) -> str | Path:
        """The name of a bundled model, the folder of a downloaded one."""
        if model in (BICUBIC, *bundled_models()):
            return model
        if not HUB_ID.fullmatch(model):
            raise UserError(f"'{model}' is neither a bundled model nor a Hub id (owner/name)")
        if model not in self.downloaded:
            try:
                self.downloaded[model] = self._download_model(model)
            except UserError:
                self._delete(model)
                raise
            if len(self.downloaded) > MAX_DOWNLOADED:
                self._delete(self.downloaded.popitem(last=False)[0])
        self.downloaded.move_to_end(model)
        return self.downloaded[model]

    def _download_model(self, model: str) -> Path:
        try:
            location = download(model, CONFIG, local_files_only=True).parent
        except UserError:  # not in the cache of the Hub, where a Space has the models that it preloads
            location = self._download_file(model, CONFIG, self._cache_folder(model)).parent
        self._download_missing(model, location)
        return location

    def _download_missing(self, model: str, location: Path, subfolder: str = "") -> None:
        """Download the missing files of a network, of the commit and into the cache that `location` belongs to."""
        for name in (CONFIG, WEIGHTS):
            path = PurePosixPath(subfolder, name)
            if not (location / path).is_file():
                self._download_file(model, str(path), cache=location.parents[2], commit=location.name)
            if name == CONFIG:
                check_sizes(read_config(location / path, model), model)

    def _download_file(self, model: str, name: str, cache: Path, commit: str | None = None) -> Path:
        with hub_errors(model, commit, name):
            url = hf_hub_url(model, name, revision=commit)
            metadata = get_hf_file_metadata(url, token=self.token, timeout=TIMEOUT)
        max_megabytes = self.max_megabytes if name.endswith(WEIGHTS) else MAX_CONFIG_MEGABYTES
        if (metadata.size or 0) > max_megabytes * 1e6:
            raise UserError(f"{name} of '{model}' is larger than {max_megabytes:g} MB")
        return download(model, name, cache_dir=cache, revision=metadata.commit_hash, token=self.token)

    def _cache_folder(self, model: str) -> Path:
        """The folder for one downloaded model alone."""
        return Path(self.folder.name, model)

    def _delete(self, model: str) -> None:
        shutil.rmtree(self._cache_folder(model), ignore_errors=True)


def check_sizes(config: dict[str, Any], model: str) -> None:
    """Raise UserError for a network of the Hub that is too large for a page that anybody may use."""
    for name, largest in MAX_SIZES.items():
        size = config.get(name)
        if isinstance(size, int) and size > largest:
            raise UserError(
                f"'{model}' is too large for this page: its {name} is {size}, and at most {largest} is accepted; "
                "run fasrgan on your own machine"
            )


def _load_once(cache: OrderedDict[K, V], key: K, load: Callable[[K], V]) -> V:
    """The value of a key, loaded if it is not in the cache, which keeps the `MAX_LOADED` that were used last."""
    if key not in cache:
        cache[key] = load(key)
        if len(cache) > MAX_LOADED:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return cache[key]


@contextmanager
def _errors_name(model: str, location: Path) -> Iterator[None]:
    """Errors name the Hub id instead of the folder of a downloaded model."""
    try:
        yield
    except UserError as error:
        raise type(error)(str(error).replace(str(location), model)) from error
