"""Loads the models that visitors name, and keeps those that were used last."""

import os
import re
import shutil
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import get_hf_file_metadata, hf_hub_url

from ...errors import MissingFileError, UserError
from ...hub.model_files import (
    CONFIG,
    DEFAULT_MODEL,
    WEIGHTS,
    ModelFiles,
    bundled_models,
    model_files,
    read_config,
)
from ...hub.transfer import TIMEOUT, download, hub_errors
from ...images.decoded import DecodedImage
from ...images.inspection import pixel_art_factor
from ...systems import from_pretrained
from ...upscaling.engines import BASELINES, NEAREST
from ...upscaling.error_map import ErrorPredictor, check_reference
from ...upscaling.model_choice import AUTO, choose_model
from ...upscaling.network_interpolation import blend
from ...upscaling.score_map import ScoreMapPredictor
from ...upscaling.tiles import MIRROR, TILE
from ...upscaling.upscaler import Upscaler

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
MAX_LOADED = 8
"""Upscalers, and score map predictors, that are kept in memory."""
MAX_DOWNLOADED = 8
"""Models of the Hub that are kept on disk."""
MAX_SIZES = {"blocks": 32, "shared_blocks": 8, "features": 64, "growth": 32}
MAX_SIZES |= {"in_channels": 64, "own_blocks": 2, "width": 64, "crop": 256, "hidden": 1024}
"""What the config.json of a downloaded model may say: the paper's sizes and little more. With a network that is small
on disk one tile could otherwise take hours, or all memory, and a job cannot be stopped within a tile."""
MAX_CONFIG_MEGABYTES = 0.1


@dataclass(frozen=True)
class UpscaleSettings:
    """How to enlarge an image; see `Upscaler` for each field."""

    model: str = DEFAULT_MODEL
    fidelity: float = 0.0
    scale: float = 4
    match_color: bool = False
    denoise: float = 1.0
    edges: str = MIRROR

    def __str__(self) -> str:
        mixed = f", fidelity {self.fidelity:g}" if self.fidelity else ""
        return self.model + mixed + (f", denoise {self.denoise:g}" if self.denoise != 1 else "")


class ModelCache:
    """Loads and keeps models. A visitor may name a bundled model or a model of the Hub, but no folder.

    On a Space only public models of the Hub can be had; elsewhere, as in every command, those of the stored token too.

    Args:
        max_megabytes: of the weights of a model that is downloaded.
    """

    def __init__(self, max_megabytes: float):
        self.max_megabytes = max_megabytes
        self.lock = threading.Lock()
        self.upscalers = lru_cache(MAX_LOADED)(self._load_upscaler)
        self.predictors = lru_cache(MAX_LOADED)(self._load_predictor)
        self.error_predictors = lru_cache(MAX_LOADED)(self._load_error_predictor)
        self.downloaded: OrderedDict[str, ModelFiles] = OrderedDict()
        self.folder = TemporaryDirectory(prefix="fasrgan-models-", ignore_cleanup_errors=True)
        # On a Space the token is the owner's, whose private models are not for visitors.
        self.token = False if os.environ.get("SPACE_ID") else None

    def upscaler(self, settings: UpscaleSettings) -> Upscaler:
        """The Upscaler for these settings. UserError if the model cannot be loaded."""
        with self.lock:
            return self.upscalers(settings)

    def choose(
        self, settings: UpscaleSettings, image: DecodedImage
    ) -> tuple[UpscaleSettings, dict[str, str]]:
        """The settings with a model for this image if they leave it open, and what to say about that, as a fact."""
        if settings.model == AUTO:
            choice = choose_model(image)
            fidelity = 0.0 if choice.model in BASELINES else settings.fidelity
            chosen = replace(settings, model=choice.model, fidelity=fidelity, denoise=1.0)
            return chosen, {"Chosen for": choice.reason}
        hint = settings.model == DEFAULT_MODEL and pixel_art_factor(image.pixels)
        return settings, {"Hint": f"pixel art stays sharp with the model {NEAREST}"} if hint else {}

    def score_map_predictor(self, model: str) -> ScoreMapPredictor:
        """The predictor with a model's discriminator, or the default model's if it has none; `name` says which.

        UserError if the model cannot be loaded.
        """
        with self.lock:
            return self.predictors(model)

    def error_predictor(self, model: str) -> ErrorPredictor:
        """The predictor with a model's error estimator. UserError if it has none or cannot be loaded."""
        with self.lock:
            return self.error_predictors(model)

    def _load_upscaler(self, settings: UpscaleSettings) -> Upscaler:
        options: dict[str, Any] = {
            "scale": settings.scale,
            "match_color": settings.match_color,
            "tile": TILE,
            "edges": settings.edges,
        }
        if settings.model in BASELINES:
            return Upscaler(settings.model, **options)
        model = blend(
            self._files(settings.model),
            settings.fidelity,
            settings.denoise,
            find=lambda name: self._files(str(name)),
        )
        # A downloaded model itself, so that no converted copies of it are kept.
        if isinstance(model, ModelFiles) and model.name not in bundled_models():
            model = from_pretrained(model)
        return Upscaler(model, **options)

    def _load_error_predictor(self, model: str) -> ErrorPredictor:
        files = self._files(model)

        def open_reference(name: str) -> Upscaler:
            check_reference(self._files(name), files.scale)
            return self.upscaler(UpscaleSettings(model=name, scale=files.scale))

        return ErrorPredictor(files, open_reference=open_reference)

    def _load_predictor(self, model: str) -> ScoreMapPredictor:
        if model in BASELINES:
            return ScoreMapPredictor()
        files = self._files(model)
        try:
            return ScoreMapPredictor(files)
        except MissingFileError:
            return ScoreMapPredictor()

    def _files(self, model: str) -> ModelFiles:
        """The files of a bundled model, or of one of the Hub, whose generator is downloaded."""
        if model in bundled_models():
            return model_files(model)
        if not HUB_ID.fullmatch(model):
            raise MissingFileError(f"'{model}' is neither a bundled model nor a Hub id (owner/name)")
        if model not in self.downloaded:
            try:
                self.downloaded[model] = files = self._find_on_hub(model)
                _ = files.weights
            except UserError:
                self._delete(model)
                raise
            if len(self.downloaded) > MAX_DOWNLOADED:
                self._delete(next(iter(self.downloaded)))
        self.downloaded.move_to_end(model)
        return self.downloaded[model]

    def _find_on_hub(self, model: str) -> ModelFiles:
        cache = None  # the cache of the Hub, where a Space has the models that it preloads
        try:
            config_file = download(model, CONFIG, local_files_only=True)
        except UserError:
            cache = self._cache_folder(model)
            config_file = self._locate(model, cache, None, CONFIG)
        commit = config_file.parent.name
        locate = partial(self._locate, model, cache, commit)
        return ModelFiles(model, config_file, read_config(locate(CONFIG), model), locate, commit=commit)

    def _locate(
        self, model: str, cache: Path | None, commit: str | None, filename: str, subfolder: str = ""
    ) -> Path:
        """A `hub.model_files.Locate` that refuses large files and large networks."""
        path = str(PurePosixPath(subfolder, filename))
        try:
            file = download(model, path, cache_dir=cache, revision=commit, local_files_only=True)
        except UserError:
            file = self._download(model, path, cache, commit)
        if filename == CONFIG:
            check_sizes(read_config(file, model), model)
        return file

    def _download(self, model: str, path: str, cache: Path | None, commit: str | None) -> Path:
        with hub_errors(model, commit, path):
            url = hf_hub_url(model, path, revision=commit)
            metadata = get_hf_file_metadata(url, token=self.token, timeout=TIMEOUT)
        max_megabytes = self.max_megabytes if path.endswith(WEIGHTS) else MAX_CONFIG_MEGABYTES
        if (metadata.size or 0) > max_megabytes * 1e6:
            raise UserError(f"{path} of '{model}' is larger than {max_megabytes:g} MB")
        return download(model, path, cache_dir=cache, revision=metadata.commit_hash, token=self.token)

    def _cache_folder(self, model: str) -> Path:
        """The folder for one downloaded model alone."""
        return Path(self.folder.name, model)

    def _delete(self, model: str) -> None:
        self.downloaded.pop(model, None)
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
