"""Who waits for what: every running job, whether it is still wanted, and how much each visitor has had."""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ...errors import UserError

PATIENCE = 5.0
"""Seconds for which a job goes on although nobody listens: clients ask first and listen afterwards."""


class StoppedError(Exception):
    """The visitor pressed Stop, or is gone."""


@dataclass
class Bucket:
    """So much at once, and so much again in a minute."""

    size: float
    level: float = field(init=False)
    at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.level = self.size

    def take(self, amount: float) -> bool:
        """Take `amount` out, if it is in."""
        now = time.monotonic()
        self.level = min(self.size, self.level + (now - self.at) * self.size / 60)
        self.at = now
        if amount > self.level:
            return False
        self.level -= amount
        return True


@dataclass
class Job:
    """One piece of work. Whoever does it calls `check` now and then."""

    desk: "Desk"
    session: str
    seconds: float
    started: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)
    stopped: bool = False

    def check(self) -> None:
        """Raise StoppedError when nobody wants the result any more, UserError when it takes too long."""
        now = time.monotonic()
        if self.desk.listens(self.session):
            self.heard = now
        if self.stopped or now - self.heard > PATIENCE:
            raise StoppedError
        if now - self.started > self.seconds:
            raise UserError(
                f"this takes longer than the {self.seconds:g} seconds that a job may take here; "
                "try a smaller image, or run fasrgan on your own machine"
            )


class Desk:
    """Every method may be called from any thread."""

    MOST_VISITORS = 10_000

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.jobs: list[Job] = []
        self.listeners: Counter[str] = Counter()
        self.asked: OrderedDict[str, float] = OrderedDict()
        self.buckets: OrderedDict[tuple[str, str], Bucket] = OrderedDict()

    def allows(self, visitor: str, what: str, amount: float, size: float) -> bool:
        """Take `amount` of `what` for a visitor who may have `size` of it a minute."""
        with self.lock:
            bucket = self.buckets.setdefault((visitor, what), Bucket(size))
            self.buckets.move_to_end((visitor, what))
            if len(self.buckets) > self.MOST_VISITORS:
                self.buckets.popitem(last=False)
            return bucket.take(amount)

    def ask(self, session: str) -> None:
        """A visitor has asked for a job and has `PATIENCE` seconds to come and listen for it."""
        with self.lock:
            self.asked[session] = time.monotonic()
            self.asked.move_to_end(session)
            if len(self.asked) > self.MOST_VISITORS:
                self.asked.popitem(last=False)

    @contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """While a visitor holds the line on which results come."""
        with self.lock:
            self.listeners[session] += 1
        try:
            yield
        finally:
            with self.lock:
                self.listeners[session] -= 1
                if not self.listeners[session]:
                    del self.listeners[session]

    def listens(self, session: str) -> bool:
        with self.lock:
            return session in self.listeners

    @contextmanager
    def job(self, session: str, seconds: float) -> Iterator[Job]:
        """A job of a visitor, from its first to its last moment."""
        job = Job(self, session, seconds)
        with self.lock:
            # The time in the queue counts: a job that nobody has come for in the meantime is not begun.
            job.heard = min(job.heard, self.asked.pop(session, job.heard))
            self.jobs.append(job)
        try:
            job.check()
            yield job
        finally:
            with self.lock:
                self.jobs.remove(job)

    def stop(self, session: str) -> None:
        """Stop what runs for a visitor."""
        with self.lock:
            for job in self.jobs:
                job.stopped |= job.session == session
