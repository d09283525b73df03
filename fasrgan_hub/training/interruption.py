"""Ctrl-C, and the signals of batch systems and closed terminals: a wish to stop, granted after a step."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupted(KeyboardInterrupt):
    """The run was asked to stop, and stopped after a checkpoint of `step`."""

    def __init__(self, folder: Path, step: int, is_main_process: bool):
        super().__init__(f"stopped; step {step} is saved, --output {folder} --resume latest goes on")
        self.is_main_process = is_main_process


@contextmanager
def interruption() -> Iterator[Event]:
    """An event that Ctrl-C, SIGTERM or SIGHUP sets, each once; a second one of its kind interrupts at once.

    What is ignored (SIGHUP under nohup) stays so.
    """
    event = Event()
    before: dict[int, Any] = {}

    def remember(number: int, frame: Any) -> None:
        event.set()
        signal.signal(number, before[number])

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
