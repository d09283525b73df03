"""A static Space on loopback: its files, with the headers that its README asks the Hub for."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from huggingface_hub import RepoCard


@dataclass
class StaticServer:
    server: ThreadingHTTPServer
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/"

    def stop(self) -> None:
        """From now on nobody answers."""
        self.server.shutdown()
        self.server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript"}

    def __init__(self, *arguments: Any, space: StaticServer, headers: dict[str, str], folder: Path):
        self.space, self.added = space, headers
        super().__init__(*arguments, directory=str(folder))

    def end_headers(self) -> None:
        for name, value in self.added.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        self.space.requests.append(self.path)


@contextmanager
def served_space(folder: Path, isolated: bool = True) -> Iterator[StaticServer]:
    """Serve a built Space; not `isolated` leaves out the headers that the README asks for."""
    headers = RepoCard.load(folder / "README.md").data["custom_headers"] if isolated else {}
    space = StaticServer(ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler))
    space.server.RequestHandlerClass = partial(_Handler, space=space, headers=headers, folder=folder)  # type: ignore
    Thread(target=space.server.serve_forever, daemon=True).start()
    yield space
    space.stop()
