"""The models at hand: those that were asked for last, made ready to run."""

import os
import re
import shutil
import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import get_hf_file_metadata, hf_hub_url

from ..errors import UserError
from ..hub_files import TIMEOUT, download, hub_errors
from ..models.files import CONFIG, WEIGHTS, bundled_models
from ..upscaling.engines import BICUBIC
from ..upscaling.fidelity import sibling
from ..upscaling.score_map import Judge
from ..upscaling.upscaler import Upscaler

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
DISCRIMINATOR = "discriminator"
READY = 4
"""Upscalers that are kept ready."""
FETCHED = 8
"""Models of the Hub that are kept on disk."""


@dataclass(frozen=True)
class Settings:
    """How a picture is to be enlarged; see `Upscaler` for each."""

    model: str = "fasrgan-lite-x4"
    fidelity: float = 0.0
    scale: float = 4
    match_color: bool = False


class Shelf:
    """Makes and keeps Upscalers. Visitors may name bundled models and public models of the Hub, and no folders."""

    def __init__(self, most_megabytes: float):
        self.most_megabytes = most_megabytes
        self.lock = threading.Lock()
        self.ready: OrderedDict[Settings, Upscaler] = OrderedDict()
        self.judges: OrderedDict[str, Judge] = OrderedDict()
        self.fetched: OrderedDict[str, Path] = OrderedDict()
        self.folder = TemporaryDirectory(prefix="fasrgan-models-", ignore_cleanup_errors=True)
        # On a Space the token is the owner's, whose private models are not for visitors.
        self.token = False if os.environ.get("SPACE_ID") else None

    def upscaler(self, settings: Settings) -> Upscaler:
        """The Upscaler for these settings; UserError if the model cannot be had."""
        with self.lock:
            if settings not in self.ready:
                self.ready[settings] = self._make(settings)
                if len(self.ready) > READY:
                    self.ready.popitem(last=False)
            self.ready.move_to_end(settings)
            return self.ready[settings]

    def judge(self, model: str) -> Judge:
        """The discriminator that came with a model, or the one of the default model where none did."""
        with self.lock:
            if model not in self.judges:
                place = self._find(model)
                if model != BICUBIC and isinstance(place, Path):
                    self._fetch_discriminator(model)
                try:
                    self.judges[model] = Judge(place)
                except UserError:
                    self.judges[model] = Judge(Settings.model)
                if len(self.judges) > READY:
                    self.judges.popitem(last=False)
            self.judges.move_to_end(model)
            return self.judges[model]

    def _make(self, settings: Settings) -> Upscaler:
        options: dict[str, Any] = {"scale": settings.scale, "match_color": settings.match_color}
        if settings.fidelity and settings.model != BICUBIC:
            options |= {"fidelity": settings.fidelity, "faithful": self._find(sibling(settings.model))}
        place = self._find(settings.model)
        try:
            return Upscaler(place, **options)
        except UserError as error:
            raise UserError(self._by_id(str(error))) from error

    def _by_id(self, told: str) -> str:
        """What is told of a fetched model's folder, told of its id."""
        for model, place in self.fetched.items():
            told = told.replace(str(place), model)
        return told

    def _find(self, model: str) -> str | Path:
        if model in (BICUBIC, *bundled_models()):
            return model
        if not HUB_ID.fullmatch(model):
            raise UserError(f"'{model}' is neither a bundled model nor a Hub id (owner/name)")
        if model not in self.fetched:
            self.fetched[model] = self._fetch(model)
            if len(self.fetched) > FETCHED:
                name, _ = self.fetched.popitem(last=False)
                shutil.rmtree(
                    Path(self.folder.name, f"models--{name.replace('/', '--')}"), ignore_errors=True
                )
        self.fetched.move_to_end(model)
        return self.fetched[model]

    def _fetch(self, model: str) -> Path:
        try:
            for name in (WEIGHTS, CONFIG):
                path = download(model, name, local_files_only=True)
            return path.parent
        except UserError:
            pass  # not in the cache of the Hub, where a Space has what it preloads
        for name in (WEIGHTS, CONFIG):
            path = self._download(model, name)
        return path.parent

    def _fetch_discriminator(self, model: str) -> None:
        with suppress(UserError):
            for name in (WEIGHTS, CONFIG):
                self._download(model, f"{DISCRIMINATOR}/{name}")

    def _download(self, model: str, name: str) -> Path:
        with hub_errors(model, None, name):
            there = get_hf_file_metadata(hf_hub_url(model, name), token=self.token, timeout=TIMEOUT)
        if (there.size or 0) > self.most_megabytes * 1e6:
            raise UserError(f"the weights of '{model}' are larger than {self.most_megabytes:g} MB")
        return download(model, name, cache_dir=self.folder.name, token=self.token)
