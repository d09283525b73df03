"""The ratings of a study: one JSON object a line, appended and on disk before the rater sees the next pair."""

import csv
import json
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock

from ...errors import MissingFileError, UserError
from ...images.atomic import explain_errors
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
        with explain_errors(f"cannot write '{path}'"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
        whole = self.path.read_bytes()
        os.truncate(self.path, whole.rfind(b"\n") + 1)
        self.done = {rating.key for file in {*others, self.path} for rating in read_ratings(file)}

    def add(self, study: str, rater: str, image: str, method: str, score: float) -> bool:
        """Store a rating and return True; False if this rater has rated it before (a double click, two tabs)."""
        _check_score(score)
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


def read_ratings(path: Path) -> list[Rating]:
    """The ratings of a file. UserError names a line that is not a rating.

    The file is JSONL, one object a line, or CSV with the same columns: the fields of `Rating`, of which `study` and
    `time` may be missing. An incomplete last line, left by a killed process, is ignored.
    """
    if not path.is_file():
        raise MissingFileError(f"there is no file '{path}'")
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if path.suffix.lower() == ".csv":
        rows: Iterable[tuple[int, dict | str]] = enumerate(csv.DictReader(text.splitlines()), 2)
    else:
        if not text.endswith(("}", "\n")):
            text = text[: text.rfind("\n") + 1]
        rows = ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
    return [_rating(row, f"line {number} of '{path}'") for number, row in rows]


def _rating(row: dict | str, place: str) -> Rating:
    try:
        values = json.loads(row) if isinstance(row, str) else row
        texts = {key: str(values.get(key) or "") for key in ("study", "time")}
        texts |= {key: str(values[key]) for key in ("rater", "image", "method")}
        score = float(values["score"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{place} is no rating (rater, image, method, score)") from error
    _check_score(score, f"{place}: ")
    return Rating(score=int(score), **texts)


def _check_score(score: float, place: str = "") -> None:
    if score not in range(len(SCORES)):
        raise UserError(f"{place}the score is {score:g}; it must be 0 to {len(SCORES) - 1}")
