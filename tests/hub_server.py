"""A Hub on loopback, to which the real huggingface_hub and datasets speak.

    with Hub() as hub:
        hub.create("org/private", private=True)
        subprocess.run(["fasrgan", "push", "run", "org/model"], env={**os.environ, **hub.environment(home)})
        assert "model.safetensors" in hub.files("org/model")

Binary files live, as on the real Hub, on another host (`localhost` beside `127.0.0.1`), where no token may turn up.
A commit is taken whole or not at all. Xet is not spoken: `environment` turns it off in the client.
"""

import json
import random
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from hub_routes import READER, ROUTES, STRANGER, WRITER, RefusalError, Routes, Store


@dataclass
class Fault:
    """What befalls the next `times` requests of `method` whose path contains `path`.

    An answer of `status`; or, if `after` is given, a connection cut after so many bytes of the body (of the request
    where it has one, of the answer otherwise). Before that `act` is called: it may take the whole Hub away.
    """

    method: str
    path: str
    status: int = 0
    after: int | None = None
    times: int = 1
    act: Callable[[], object] | None = None


class Hub(Store):
    """The server and its faults. As a context manager it runs; entered again, it comes back as it was."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        """Method, path and headers (names in lower case) of every request so far."""
        self.lock = threading.RLock()
        self.port = 0
        self.away = threading.Event()
        """Set once nobody listens any more."""

    def __enter__(self) -> "Hub":
        handler = type("BoundHandler", (Handler,), {"hub": self})
        self.server = self._listen(handler)
        self.port = self.server.server_port
        self.away.clear()
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def _listen(self, handler: type["Handler"]) -> "Server":
        """At the port of before; at first below those of outgoing connections, which could take it in the meantime."""
        if self.port:
            return Server(("127.0.0.1", self.port), handler)
        for port in random.sample(range(20000, 32000), 100):
            with suppress(OSError):
                return Server(("127.0.0.1", port), handler)
        raise AssertionError("no free port")

    def __exit__(self, *_: object) -> None:
        """Go away: from now on every connection is refused, and those that are open end."""
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.server.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.away.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, home: Path, token: str = WRITER) -> dict[str, str]:
        """What makes huggingface_hub speak to this Hub and keep its files in `home`; token "" is nobody's."""
        settings = {"HF_ENDPOINT": self.url, "HF_HOME": str(home), "HF_TOKEN": token}
        return settings | {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "*"}

    def next_fault(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.method == method and fault.path in path and fault.times > 0:
                fault.times -= 1
                return fault
        return None


class Server(ThreadingHTTPServer):
    """Knows its open connections, which are otherwise served on for as long as their clients like."""

    def __init__(self, *arguments: Any):
        super().__init__(*arguments)
        self.connections: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)


class Handler(Routes, BaseHTTPRequestHandler):
    """One connection: finds the route, a method of `Routes`, and sends what it returns."""

    protocol_version = "HTTP/1.1"
    hub: Hub
    fault: Fault | None

    def handle_request(self) -> None:
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        self.token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.denied = 403 if self.token else 401
        with self.hub.lock:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.hub.requests.append((self.command, self.path, headers))
            self.fault = self.hub.next_fault(self.command, self.path)
        try:
            self.body = self.receive()
            try:
                reply = self.route(url.path)
            except RefusalError as no:
                self.send(no.status, (no.text or json.dumps(no.body)).encode(), no.headers)
            else:
                self.send(200, *(reply if isinstance(reply, tuple) else (json.dumps(reply).encode(), {})))
        except ConnectionError:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = handle_request  # noqa: N815

    def route(self, path: str) -> Any:
        if self.fault and self.fault.act:
            self.fault.act()
        if self.fault and self.fault.status:
            raise RefusalError(self.fault.status, "this is a fault that a test asked for")
        if self.token not in ("", WRITER, READER, STRANGER):
            raise RefusalError(401, "Invalid credentials in Authorization header")
        for method, pattern, name in ROUTES:
            match = re.fullmatch(pattern, path)
            if match and self.command in method.split("|"):
                with self.hub.lock:
                    return getattr(self, name)(*(part and unquote(part) for part in match.groups()))
        raise RefusalError(404, f"no route for {self.command} {path}")

    def receive(self) -> bytes:
        length = int(self.headers.get("Content-Length", 0))
        if length and self.fault and self.fault.after is not None:
            self.rfile.read(min(self.fault.after, length))
            if self.fault.act:
                self.fault.act()
            raise ConnectionAbortedError
        return self.rfile.read(length)

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if status == 200 and asked:
            total, start = len(body), int(asked[1])
            body = body[start : int(asked[2]) + 1 if asked[2] else total]
            status = 206 if body else 416
            headers = headers | {"Content-Range": f"bytes {start}-{start + len(body) - 1}/{total}"}
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            cut = self.fault.after if self.fault else None
            self.wfile.write(body[:cut])
            if cut is not None:
                raise ConnectionAbortedError

    def log_message(self, *_: object) -> None:
        pass
