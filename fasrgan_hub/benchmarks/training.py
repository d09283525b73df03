"""`scripts/benchmark.py training`: Steps in a second, the wait for data, and memory of training."""

import argparse
from typing import Any


def add(commands: Any) -> None:
    command = commands.add_parser("training", help="speed and memory of training", description=run.__doc__)
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measure the trainer against a bare PyTorch loop."""
    raise NotImplementedError
