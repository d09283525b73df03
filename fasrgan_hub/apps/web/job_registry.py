"""The jobs that run now, and whether a client still waits for the result of each."""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ...errors import UserError

PATIENCE = 5.0
"""Seconds for which a job goes on without a listening client. Clients send the request first and listen afterwards."""


class JobStoppedError(Exception):
    """The visitor pressed Stop or has left."""


@dataclass
class RunningJob:
    """A job of one session. The code that computes must call `check` regularly."""

    registry: "JobRegistry"
    session: str
    max_seconds: float
    started: float = field(default_factory=time.monotonic)
    last_listened: float = field(default_factory=time.monotonic)
    stopped: bool = False

    def check(self) -> None:
        """Raise JobStoppedError if nobody waits for the result any more, UserError if the job takes too long."""
        now = time.monotonic()
        if self.registry.has_listener(self.session):
            self.last_listened = now
        if self.stopped or now - self.last_listened > PATIENCE:
            raise JobStoppedError
        if now - self.started > self.max_seconds:
            raise UserError(
                f"this takes longer than the {self.max_seconds:g} seconds that a job may take here; "
                "try a smaller image, or run fasrgan on your own machine"
            )


class JobRegistry:
    """Running jobs, listening clients and requests, each by session. It may be used from any thread."""

    MAX_REQUESTS = 10_000

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: list[RunningJob] = []
        self.listeners: Counter[str] = Counter()
        self.requests: OrderedDict[str, float] = OrderedDict()

    def add_request(self, session: str) -> None:
        """Note when a session requested a job. Its client has `PATIENCE` seconds to start listening."""
        with self.lock:
            self.requests[session] = time.monotonic()
            self.requests.move_to_end(session)
            if len(self.requests) > self.MAX_REQUESTS:
                self.requests.popitem(last=False)

    @contextmanager
    def listening(self, session: str) -> Iterator[None]:
        """While the connection is open through which a client receives its results."""
        with self.lock:
            self.listeners[session] += 1
        try:
            yield
        finally:
            with self.lock:
                self.listeners[session] -= 1
                if not self.listeners[session]:
                    del self.listeners[session]

    def has_listener(self, session: str) -> bool:
        with self.lock:
            return session in self.listeners

    @contextmanager
    def run(self, session: str, max_seconds: float) -> Iterator[RunningJob]:
        """Register a job while the block runs. Raises what `RunningJob.check` raises."""
        job = RunningJob(self, session, max_seconds)
        with self.lock:
            # Time in the queue counts: a job whose client left in the meantime does not start.
            job.last_listened = min(job.last_listened, self.requests.pop(session, job.last_listened))
            self.running.append(job)
        try:
            job.check()
            yield job
        finally:
            with self.lock:
                self.running.remove(job)

    def stop(self, session: str) -> None:
        """Stop the jobs of a session at their next `check`."""
        with self.lock:
            for job in self.running:
                job.stopped |= job.session == session
