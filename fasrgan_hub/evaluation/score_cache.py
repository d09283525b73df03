"""Scores that were computed before, one JSON file for each method and set."""

import json
from pathlib import Path

from ..cache import cache_folder
from ..errors import FileAccessError
from ..images.atomic import replace_file
from ..metrics.named import METRICS, MetricOptions

Scores = dict[str, dict[str, float]]
"""DecodedImage -> metric -> score."""


class ScoreCache:
    """The scores of one method on one set, as far as they are known.

    Args:
        folder: where the files lie; None keeps nothing. `default_folder()` is the package's own.
        method, images: content hashes; what has none ("") is not kept.
        settings: a metric that looks at border and colors is kept for each choice of them.
    """

    def __init__(self, folder: Path | None, method: str, images: str, settings: MetricOptions):
        keep = folder is not None and method and images
        self.path = folder / f"{method[:16]}-{images[:16]}.json" if folder and keep else None
        self.settings = settings
        self.known: dict[str, dict[str, float]] = {}
        if self.path and self.path.is_file():
            try:
                self.known = json.loads(self.path.read_text())
            except ValueError:  # torn or somebody else's: computed again, and replaced
                self.known = {}

    def missing(self, image: str, metrics: list[str]) -> list[str]:
        """Which of the metrics are not known of an image."""
        return [name for name in metrics if image not in self.known.get(self._key(name), {})]

    def get(self, image: str, metrics: list[str]) -> dict[str, float]:
        return {name: self.known[self._key(name)][image] for name in metrics}

    def add(self, scores: Scores) -> None:
        """Learn scores, and write the file."""
        for image, row in scores.items():
            for name, value in row.items():
                self.known.setdefault(self._key(name), {})[image] = value
        if self.path and scores:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise FileAccessError(
                    f"cannot make the folder '{self.path.parent}': {error.strerror}"
                ) from error
            with replace_file(self.path) as file:
                file.write(json.dumps(self.known).encode())

    def _key(self, name: str) -> str:
        metric = METRICS[name]
        shaved = f" border {self.settings.border} {'Y' if self.settings.luma else 'RGB'}"
        return f"{name} v{metric.version}{shaved if metric.shaves else ''}"


def default_folder() -> Path:
    """Where the command line keeps scores; it may be deleted at any time."""
    return cache_folder() / "scores"
