"""Ctrl-C, and the signal that batch systems send: a wish to stop, which the loop grants after a step."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, current_thread, main_thread
from typing import Any


@contextmanager
def interruption() -> Iterator[Event]:
    """An event that Ctrl-C (or SIGTERM, which batch systems send) sets, once; a second one interrupts at once."""
    event = Event()
    before: dict[int, Any] = {}

    def remember(number: int, frame: Any) -> None:
        event.set()
        signal.signal(number, before[number])

    if current_thread() is main_thread():
        before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
