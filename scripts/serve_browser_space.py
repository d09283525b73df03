"""Try a Space that scripts/build_browser_space.py built: python scripts/serve_browser_space.py DIR.

It is served on loopback, with the headers that its README asks the Hub for.
"""

import sys
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
class SpaceServer:
    """A server on loopback and the paths that it was asked for."""

    folder: Path
    headers: dict[str, str]
    port: int
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), partial(_Handler, space=self))
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def stop(self) -> None:
        """From now on nobody answers."""
        self.server.shutdown()
        self.server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}  # noqa: RUF012

    def __init__(self, *arguments: Any, space: SpaceServer):
        self.space = space
        super().__init__(*arguments, directory=str(space.folder))

    def end_headers(self) -> None:
        for name, value in self.space.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, *_: object) -> None:
        self.space.requests.append(self.path)


@contextmanager
def served_space(folder: Path, isolated: bool = True, port: int = 0) -> Iterator[SpaceServer]:
    """Serve a built Space; not `isolated` leaves out the headers that its README asks for."""
    headers = RepoCard.load(folder / "README.md").data["custom_headers"] if isolated else {}
    space = SpaceServer(folder, headers, port)
    thread = Thread(target=space.server.serve_forever, daemon=True)
    thread.start()
    yield space
    space.stop()


if __name__ == "__main__":
    with served_space(Path(sys.argv[1]), port=8000) as space:
        input(f"{space.url} (Enter ends it)\n")
