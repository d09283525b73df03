"""Scores that were computed before, one JSON file for each method and benchmark."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from ..cache import cache_folder
from ..images.atomic import replace_files
from ..metrics.named import METRICS, MetricOptions

Scores = dict[str, dict[str, float]]
"""Image -> metric -> score."""


class ScoreCache:
    """The known scores of one method on one benchmark.

    Args:
        folder: where the files lie; None keeps nothing. `default_folder()` is the package's own.
        method, benchmark: content hashes; what has none ("") is not kept.
        options: a metric that depends on border and colors is kept for each choice of them.
    """

    def __init__(self, folder: Path | None, method: str, benchmark: str, options: MetricOptions):
        keep = folder is not None and method and benchmark
        self.path = folder / f"{method[:16]}-{benchmark[:16]}.json" if folder and keep else None
        self.options = options
        self.known: Scores = {}
        """Metric with its version and options -> image -> score."""
        if self.path and self.path.is_file():
            try:
                self.known = json.loads(self.path.read_text())
            except ValueError:  # damaged: computed again, and replaced
                self.known = {}

    def missing(self, image: str, metrics: list[str]) -> list[str]:
        """Which of the metrics are not known of an image."""
        return [name for name in metrics if image not in self.known.get(self._key(name), {})]

    def get(self, image: str, metrics: list[str]) -> dict[str, float]:
        return {name: self.known[self._key(name)][image] for name in metrics}

    def add(self, scores: Scores) -> None:
        """Add scores, and write the file."""
        for image, row in scores.items():
            for name, value in row.items():
                self.known.setdefault(self._key(name), {})[image] = value
        if self.path and scores:
            with replace_files(self.path.parent) as partial:
                (partial / self.path.name).write_text(json.dumps(self.known))

    def _key(self, name: str) -> str:
        metric = METRICS[name]
        shaved = f" border {self.options.border} {'Y' if self.options.luma else 'RGB'}"
        return f"{name} v{metric.version}{shaved if metric.shaves else ''}"


def default_folder() -> Path:
    """Where the command line keeps scores; it may be deleted at any time."""
    return cache_folder() / "scores"


def content_hash(files: Iterable[Path], *values: object) -> str:
    """32 hexadecimal digits for the names and the bytes of files, and for other values by their repr."""
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    digest.update(repr(values).encode())
    return digest.hexdigest()[:32]
