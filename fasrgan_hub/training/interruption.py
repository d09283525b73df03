"""Ctrl-C, and the signals of batch systems and closed terminals: a wish to stop, granted after a step."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, current_thread, main_thread
from time import monotonic
from typing import Any

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
ONE_WISH = 2.0
"""Seconds in which signals of a kind count as one: launchers pass on a Ctrl-C that their processes have got already."""


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop, and stopped after a checkpoint of `step`."""

    def __init__(self, folder: Path, step: int, is_main_process: bool):
        super().__init__(f"stopped; step {step} is saved, --output {folder} --resume latest goes on")
        self.is_main_process = is_main_process


@contextmanager
def interruption() -> Iterator[Event]:
    """An event that Ctrl-C, SIGTERM or SIGHUP sets; one more of its kind, `ONE_WISH` later, interrupts at once.

    What is ignored (SIGHUP under nohup) stays so.
    """
    event = Event()
    before: dict[int, Any] = {}
    heard: dict[int, float] = {}

    def remember(number: int, frame: Any) -> None:
        event.set()
        now = monotonic()
        if now - heard.setdefault(number, now) > ONE_WISH:
            signal.signal(number, before[number])
            signal.raise_signal(number)

    if current_thread() is main_thread():
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, remember)
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_signals_to_the_trainer(worker: int) -> None:
    """In a data process: Ctrl-C reaches it as well, and the trainer needs it until the checkpoint is written."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
