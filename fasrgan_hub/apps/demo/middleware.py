"""What stands before Gradio: it turns away what this page never asks for, and what is too much.

Gradio itself fetches any public address that a visitor names, as an image to work on or as a file to hand on, and
leaves the number of uploads and jobs to whoever sends them. None of that is wanted here.
"""

import json
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qs

from .limits import Limits
from .rate_limits import Desk

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CLOSED = re.compile(
    r"/gradio_api/(proxy=|file[=/]\s*[a-z]+:|component_server|process_recording|deep_link|stream/|dev/|vibe|undo-vibe)",
    re.IGNORECASE,
)
JOBS = re.compile(r"/gradio_api/(queue/join|(call|run|api)(/v2)?/[^/]+)/?$")
LISTENERS = re.compile(r"/gradio_api/(?:queue/data|call(?:/v2)?/[^/]+/(\w+))/?$")
TOOLS = re.compile(r"/gradio_api/mcp")
UPLOAD = re.compile(r"/gradio_api/upload/?$")
EVENT = re.compile(rb'"event_id": ?"(\w+)"')
MOST_BYTES = 100_000
"""Of what is asked in JSON; images come as uploads."""
MOST_SWALLOWED = 50_000_000


class Guard:
    """ASGI middleware around the whole application."""

    def __init__(self, app: Callable[..., Awaitable[None]], desk: Desk, limits: Limits):
        self.app = app
        self.desk = desk
        self.limits = limits

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path, visitor = scope["path"], _visitor(scope)
        refusal: tuple[int, str] | None = None
        line: Any = nullcontext()
        if CLOSED.search(path):
            refusal = 403, "This page does not offer that."
        elif scope["method"] == "POST" and UPLOAD.search(path):
            refusal = self._upload(scope["headers"], visitor)
            if refusal:
                await _swallow(receive)
        elif scope["method"] == "POST":
            body, refusal = await _whole(receive)
            receive = _again(body, receive)
            if TOOLS.search(path) and not self.desk.allows(
                visitor, "tools", 1, 4 * self.limits.jobs_a_minute
            ):
                refusal = 429, "Too many messages in a short time. Please wait a minute."
            if refusal is None and JOBS.search(path):
                refusal = self._job(body, visitor)
                send = self._noting(send)
        elif scope["method"] == "GET" and (found := LISTENERS.search(path)):
            query = parse_qs(scope["query_string"].decode("latin-1"))
            line = self.desk.listening(found[1] or query.get("session_hash", [""])[0])
        if refusal:
            await _refuse(send, *refusal)
            return
        with line:
            await self.app(scope, receive, send)

    def _job(self, body: bytes, visitor: str) -> tuple[int, str] | None:
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError):
            return 400, "This is not JSON."
        if _names_an_address(asked):
            return 400, "Images are not fetched from addresses. Please upload the file."
        if not self.desk.allows(visitor, "jobs", 1, self.limits.jobs_a_minute):
            return 429, "Too many requests in a short time. Please wait a minute."
        if isinstance(asked, dict) and isinstance(asked.get("session_hash"), str):
            self.desk.ask(asked["session_hash"])
        return None

    def _noting(self, send: Send) -> Send:
        """`send`, which notes what a job is called that was asked for without a session."""

        async def noting(message: Message) -> None:
            if found := EVENT.search(message.get("body", b"")):
                self.desk.ask(found[1].decode())
            await send(message)

        return noting

    def _upload(self, headers: list[tuple[bytes, bytes]], visitor: str) -> tuple[int, str] | None:
        told = dict(headers)
        length = told.get(b"content-length", b"")
        # Chunks are read to their end, whatever length is told beside them.
        if b"transfer-encoding" in told or not length.isdigit():
            return 411, "An upload must say how long it is."
        if not self.desk.allows(visitor, "uploads", 1, 4 * self.limits.jobs_a_minute):
            return 429, "Too many uploads in a short time. Please wait a minute."
        if not self.desk.allows(visitor, "megabytes", int(length) / 1e6, self.limits.upload_mb_a_minute):
            return 413, f"At most {self.limits.upload_mb_a_minute:g} MB can be uploaded in a minute."
        return None


def _visitor(scope: Message) -> str:
    """The address that a request comes from; on Spaces, the one that the Hub's proxy names last."""
    if os.environ.get("SPACE_ID"):
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                return value.decode("latin-1").split(",")[-1].strip()
    return scope["client"][0] if scope.get("client") else ""


async def _swallow(receive: Receive) -> None:
    """Let a refused upload end: many clients read the answer only then."""
    left = MOST_SWALLOWED
    more = True
    while more and left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        more = message.get("more_body", False)


async def _whole(receive: Receive) -> tuple[bytes, tuple[int, str] | None]:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MOST_BYTES:
            if message.get("more_body"):
                await _swallow(receive)
            return b"", (413, "This is too much for one request. Please upload images as files.")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return body, None


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand out a body that was read already, and then what comes after it."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _names_an_address(asked: Any) -> bool:
    """Whether a file in a request lies elsewhere: {"path": "https://..."}."""
    waiting = [asked]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "://" in str(part.get("path", "")):
                return True
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return False


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"detail": reason, "error": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
