"""What a run reports: log.jsonl for programs, a bar or lines for people."""

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..images.atomic import replace_file
from .curves import read_entries


def print_line(line: str) -> None:
    """Print a line to standard error; one that nobody reads anymore (a closed pipe) is no error."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115, PTH123  # or the rest of the program fails on it too


class Progress:
    """The step, steps a second, the time left and the losses: a bar on a terminal, elsewhere lines on stderr."""

    def __init__(self, step: int, steps: int, enabled: bool):
        self.step, self.first, self.steps = step, step, steps
        self.enabled = enabled
        self.began = time.monotonic()
        self.bar = tqdm(total=steps, initial=step, unit="step") if enabled and _on_terminal() else None

    def update(self) -> None:
        self.step += 1
        if self.bar is not None:
            with suppress(OSError):  # the terminal is gone
                self.bar.update()

    def show(self, values: Mapping[str, float]) -> None:
        """Show `values` beside the step."""
        words = ", ".join(f"{name}={value:.4g}" for name, value in values.items())
        if self.bar is not None:
            with suppress(OSError):
                self.bar.set_postfix_str(words)
        elif self.enabled:
            line = tqdm.format_meter(
                self.step,
                self.steps,
                time.monotonic() - self.began,
                unit="step",
                initial=self.first,
                postfix=words,
                bar_format="step {n_fmt}/{total_fmt}, {rate_fmt}, {remaining} left{postfix}",
            )
            print_line(line)

    def close(self) -> None:
        if self.bar is not None:
            with suppress(OSError):
                self.bar.close()


def _on_terminal() -> bool:
    """Whether stderr is a terminal with room for a bar; a container's may claim to have no columns."""
    return sys.stderr.isatty() and os.get_terminal_size(sys.stderr.fileno()).columns > 0


class Log:
    """log.jsonl: one object a line, each with the `step` it belongs to; nothing where it is not `enabled`."""

    def __init__(self, path: Path, enabled: bool):
        self.path = path
        self.enabled = enabled

    def write(self, **entry: Any) -> None:
        if self.enabled:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")

    def rewind(self, step: int) -> None:
        """Drop what was logged after `step`: a resumed run writes it again."""
        if self.enabled and self.path.exists():
            kept = [entry for entry in read_entries(self.path) if entry["step"] <= step]
            with replace_file(self.path) as file:
                file.write("".join(json.dumps(entry) + "\n" for entry in kept).encode())
