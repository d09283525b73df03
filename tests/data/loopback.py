"""A file server on this machine that counts what it sends and fails on demand."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Loopback:
    """`files` and `redirects` by path; `fault(path, number of the request)` may name a failure.

    Faults: "drop" closes the connection, "cut" stops half-way through the body, "no ranges" sends the whole
    file, a number is a status without a body.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    fault: Callable[[str, int], str | int | None] = lambda path, number: None
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    sent: int = 0


@contextmanager
def serve(files: dict[str, bytes] | None = None) -> Iterator[Loopback]:
    state = Loopback(files=dict(files or {}))
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            path, span = self.path.partition("?")[0], self.headers.get("Range", "")
            with lock:
                state.requests.append(
                    (self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
                )
                fault = state.fault(self.path, len(state.requests) - 1)
            if fault == "drop":
                self.close_connection = True
            elif isinstance(fault, int):
                self.answer(fault)
            elif path in state.redirects:
                self.answer(302, Location=state.redirects[path])
            elif path not in state.files:
                self.answer(404)
            else:
                self.send(state.files[path], span if fault != "no ranges" else "", cut=fault == "cut")

        def send(self, data: bytes, span: str, cut: bool):
            size, (first, last) = len(data), re.fullmatch(r"(?:bytes=(\d*)-(\d*))?", span).groups()
            start = int(first) if first else max(0, size - int(last)) if last else 0
            end = min(size, int(last) + 1) if first and last else size
            extra = {"Content-Range": f"bytes {start}-{end - 1}/{size}"} if span else {}
            body = data[start:end]
            self.answer(206 if span else 200, body[: len(body) // 2] if cut else body, len(body), **extra)
            self.close_connection |= cut

        def answer(self, status: int, body: bytes = b"", length: int = 0, **headers: str):
            self.send_response(status)
            for name, value in {"Content-Length": str(length), "Accept-Ranges": "bytes", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for begin in range(0, len(body) if self.command == "GET" else 0, 1 << 14):
                part = self.wfile.write(body[begin : begin + (1 << 14)])
                with lock:
                    state.sent += part

        def log_message(self, *arguments):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, address):
            """A client that hangs up is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
