"""Processes in which the real huggingface_hub speaks to a Hub on loopback, as in a user's."""

import contextlib
import io
import multiprocessing
import os
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from hub_routes import WRITER
from hub_server import Hub

# Forked from a server that has torch already: what reads the environment is imported in each process anew.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(["numpy", "torch", "safetensors.torch"])


class Outcome(NamedTuple):
    status: int
    output: str
    errors: str


class Client:
    """A process with its own environment that runs pieces of code, one after another."""

    def __init__(self, hub: Hub, home: Path, token: str = WRITER, **environment: str):
        self.connection, there = processes.Pipe()
        settings = hub.environment(home, token) | {"OMP_NUM_THREADS": "1"} | environment
        self.process = processes.Process(target=_serve, args=(there, settings), daemon=True)
        self.process.start()

    def begin(self, code: str, token: str | None = None) -> None:
        """Let the process run `code` (with another `token`; "" is nobody's), which may set `status`."""
        self.connection.send((code, token))

    def outcome(self) -> Outcome:
        """Wait for what the code began last came to; a traceback in it ends the process, and this with EOFError."""
        return Outcome(*self.connection.recv())

    def python(self, code: str, token: str | None = None) -> Outcome:
        self.begin(code, token)
        return self.outcome()

    def fasrgan(self, *arguments: object, token: str | None = None) -> Outcome:
        """Run the command `fasrgan`."""
        return self.python(f"status = main({[*map(str, arguments)]})", token)


def _serve(connection: Connection, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    from fasrgan_hub.apps.cli.main import main

    while True:
        code, token = connection.recv()
        os.environ["HF_TOKEN"] = environment["HF_TOKEN"] if token is None else token
        names, output, errors = {"main": main, "status": 0}, io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            exec(code, names)
        connection.send((names["status"], output.getvalue(), errors.getvalue()))
