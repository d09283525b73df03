"""The models at hand: those that were asked for last, made ready to run."""

import os
import re
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from huggingface_hub import get_hf_file_metadata, hf_hub_url
from huggingface_hub.errors import RemoteEntryNotFoundError

from ...errors import UserError
from ...hub.model_files import BUNDLED, CONFIG, DEFAULT_MODEL, WEIGHTS, bundled_models, read
from ...hub.transfer import TIMEOUT, download, hub_errors
from ...models.generators import Generator
from ...systems import from_pretrained
from ...upscaling.engines import BICUBIC
from ...upscaling.network_interpolation import sibling
from ...upscaling.score_map import ScoreMapPredictor
from ...upscaling.tiles import TILE
from ...upscaling.upscaler import Upscaler

HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
DISCRIMINATOR = "discriminator"
READY = 4
"""Upscalers that are kept ready."""
FETCHED = 8
"""Models of the Hub that are kept on disk."""
MOST = {"blocks": 32, "shared_blocks": 8, "features": 64, "growth": 32}
MOST |= {"in_channels": 64, "own_blocks": 2, "width": 64, "crop": 256, "hidden": 1024}
"""What the config.json of a fetched model may say: the paper's sizes and little more. Of a generator that is small on
disk one tile could otherwise take hours, or more memory than there is, and nothing stops a job within a tile."""
CONFIG_MEGABYTES = 0.1


@dataclass(frozen=True)
class Settings:
    """How an image is to be enlarged; see `Upscaler` for each."""

    model: str = DEFAULT_MODEL
    fidelity: float = 0.0
    scale: float = 4
    match_color: bool = False


class Shelf:
    """Makes and keeps Upscalers. Visitors may name bundled models and public models of the Hub, and no folders."""

    def __init__(self, most_megabytes: float):
        self.most_megabytes = most_megabytes
        self.lock = threading.Lock()
        self.ready: OrderedDict[Settings, Upscaler] = OrderedDict()
        self.judges: OrderedDict[str, ScoreMapPredictor] = OrderedDict()
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

    def judge(self, model: str) -> ScoreMapPredictor:
        """The discriminator that came with a model, or the default model's where none did: its `name` says which."""
        with self.lock:
            if model not in self.judges:
                self.judges[model] = self._judge(model)
                if len(self.judges) > READY:
                    self.judges.popitem(last=False)
            self.judges.move_to_end(model)
            return self.judges[model]

    def _make(self, settings: Settings) -> Upscaler:
        options: dict[str, Any] = {"scale": settings.scale, "match_color": settings.match_color, "tile": TILE}
        if settings.fidelity and settings.model != BICUBIC:
            options |= {"fidelity": settings.fidelity, "faithful": self._load(sibling(settings.model))}
        return Upscaler(self._load(settings.model), **options)

    def _load(self, model: str) -> str | Generator:
        """A bundled model's name; a fetched model itself, because of what has a name converted copies are kept."""
        place = self._find(model)
        if isinstance(place, str):
            return place
        with _told_by_id(model, place):
            return from_pretrained(place)

    def _judge(self, model: str) -> ScoreMapPredictor:
        place = self._find(model)
        if isinstance(place, str):
            return ScoreMapPredictor(place if (BUNDLED / place / DISCRIMINATOR).is_dir() else Settings.model)
        try:
            self._complete(model, place, DISCRIMINATOR)
        except UserError as error:
            if isinstance(error.__cause__, RemoteEntryNotFoundError):
                return ScoreMapPredictor(Settings.model)
            raise
        with _told_by_id(model, place):
            judge = ScoreMapPredictor(place)
        judge.name = model
        return judge

    def _find(self, model: str) -> str | Path:
        """The name of what is bundled, the folder of what is fetched."""
        if model in (BICUBIC, *bundled_models()):
            return model
        if not HUB_ID.fullmatch(model):
            raise UserError(f"'{model}' is neither a bundled model nor a Hub id (owner/name)")
        if model not in self.fetched:
            try:
                self.fetched[model] = self._fetch(model)
            except UserError:
                self._drop(model)
                raise
            if len(self.fetched) > FETCHED:
                self._drop(self.fetched.popitem(last=False)[0])
        self.fetched.move_to_end(model)
        return self.fetched[model]

    def _fetch(self, model: str) -> Path:
        try:
            place = download(model, CONFIG, local_files_only=True).parent
        except UserError:  # not in the cache of the Hub, where a Space has what it preloads
            place = self._download(model, CONFIG, self._home(model)).parent
        self._complete(model, place)
        return place

    def _complete(self, model: str, place: Path, folder: str = "") -> None:
        """Fetch what is missing of a network, of the commit and into the cache that `place` belongs to."""
        for name in (CONFIG, WEIGHTS):
            path = PurePosixPath(folder, name)
            if not (place / path).is_file():
                self._download(model, str(path), cache=place.parents[2], commit=place.name)
            if name == CONFIG:
                check_sizes(read(place / path, model), model)

    def _download(self, model: str, name: str, cache: Path, commit: str | None = None) -> Path:
        with hub_errors(model, commit, name):
            url = hf_hub_url(model, name, revision=commit)
            there = get_hf_file_metadata(url, token=self.token, timeout=TIMEOUT)
        most = self.most_megabytes if name.endswith(WEIGHTS) else CONFIG_MEGABYTES
        if (there.size or 0) > most * 1e6:
            raise UserError(f"{name} of '{model}' is larger than {most:g} MB")
        return download(model, name, cache_dir=cache, revision=there.commit_hash, token=self.token)

    def _home(self, model: str) -> Path:
        """The cache in which a fetched model lies alone."""
        return Path(self.folder.name, model)

    def _drop(self, model: str) -> None:
        shutil.rmtree(self._home(model), ignore_errors=True)


def check_sizes(config: dict[str, Any], model: str) -> None:
    """Raise UserError for a network of the Hub that is too large for a page that anybody may use."""
    for name, most in MOST.items():
        asked = config.get(name)
        if isinstance(asked, int) and asked > most:
            raise UserError(
                f"'{model}' is too large for this page: its {name} is {asked}, and at most {most} is taken; "
                "run fasrgan on your own machine"
            )


@contextmanager
def _told_by_id(model: str, place: Path) -> Iterator[None]:
    """What is told of a fetched model's folder, told of its id."""
    try:
        yield
    except UserError as error:
        raise type(error)(str(error).replace(str(place), model)) from error
