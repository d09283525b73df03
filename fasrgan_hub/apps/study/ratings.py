"""The ratings of a study: one JSON object a line, appended and on disk before the rater sees the next pair."""

import json
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock

from ...errors import FileAccessError, UserError
from .design import SCORES


@dataclass(frozen=True)
class Rating:
    """A line of the file: `score` 0 (almost identical) to 4 (mostly different); `rater` is a random number."""

    study: str
    rater: str
    image: str
    method: str
    score: int
    time: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What may be rated only once."""
        return self.study, self.rater, self.image, self.method


class Ratings:
    """A file of ratings. One process writes it; what others wrote before lies beside it and is read at the start.

    Args:
        path: the file to append to, created if absent. An incomplete last line, left by a killed process, is
            removed: its rater was not shown the next pair, and rates that one again.
        others: files of earlier processes.
        lock: held while a line is written; a scheduler that uploads the file has its own.
    """

    def __init__(
        self, path: str | Path, others: Iterable[Path] = (), lock: AbstractContextManager | None = None
    ):
        self.path = Path(path)
        self.lock = lock or Lock()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
        except OSError as error:
            raise FileAccessError(f"cannot write '{path}': {error.strerror}") from error
        whole = self.path.read_bytes()
        os.truncate(self.path, whole.rfind(b"\n") + 1)
        self.done = {rating.key for file in {*others, self.path} for rating in read_ratings(file)}

    def add(self, study: str, rater: str, image: str, method: str, score: float) -> bool:
        """Store a rating and return True; False if this rater has rated it before (a double click, two tabs)."""
        if score not in range(len(SCORES)):
            raise UserError(f"the score is {score}; it must be 0 to {len(SCORES) - 1}")
        time = datetime.now(timezone.utc).isoformat(timespec="seconds")
        rating = Rating(study, rater, image, method, int(score), time)
        with self.lock:
            if rating.key in self.done:
                return False
            with self.path.open("ab") as file:
                file.write(json.dumps(asdict(rating)).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self.done.add(rating.key)
        return True


def read_ratings(path: str | Path) -> list[Rating]:
    """The ratings of a file; UserError names a line that is not a rating. An incomplete last line is ignored."""
    ratings = []
    for number, line in enumerate(Path(path).read_bytes().splitlines(keepends=True), start=1):
        if not line.endswith(b"\n"):
            break
        try:
            ratings.append(Rating(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise UserError(f"line {number} of '{path}' is no rating") from error
    return ratings
