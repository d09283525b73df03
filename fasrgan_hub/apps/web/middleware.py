"""ASGI middleware in front of Gradio: it refuses requests that the page never sends, and too many requests.

Gradio by itself fetches any public address that a visitor names, as an input image or to serve it as a file, and does
not limit the number of uploads and jobs.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from . import gradio_compat
from .job_registry import JobRegistry
from .rate_limits import RateLimiter

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 100_000
"""Of a request that is no upload. Images are uploaded as files."""
MAX_DISCARDED_BYTES = 50_000_000
"""Up to which the body of a refused request is received and discarded."""


class RequestRefusedError(Exception):
    """A request that is answered with a status and a reason, the arguments, instead of reaching Gradio."""


class RequestFilter:
    """ASGI middleware around the whole application.

    Args:
        app: the application.
        jobs: takes note of requests and listening clients.
        jobs_per_minute: job requests of one visitor, who is known by address; four times as many uploads and MCP
            messages are accepted.
        upload_mb_per_minute: of one visitor.
    """

    def __init__(self, app: ASGIApp, jobs: JobRegistry, jobs_per_minute: float, upload_mb_per_minute: float):
        self.app = app
        self.jobs = jobs
        self.upload_mb_per_minute = upload_mb_per_minute
        amounts = {"jobs": jobs_per_minute, "upload mb": upload_mb_per_minute}
        self.limiter = RateLimiter(amounts | dict.fromkeys(("uploads", "mcp messages"), 4 * jobs_per_minute))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            await self._handle(scope, receive, send)
        except RequestRefusedError as refusal:
            await _send_refusal(send, *refusal.args)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        session = gradio_compat.listening_session(path, scope["query_string"]) if method == "GET" else None
        if gradio_compat.BLOCKED_ROUTES.search(path):
            raise RequestRefusedError(403, "This page does not offer that.")
        if method == "POST" and gradio_compat.UPLOAD_ROUTE.search(path):
            await self._handle_upload(scope, receive, send)
        elif method == "POST":
            await self._handle_post(scope, receive, send)
        elif session is not None:
            with self.jobs.listening(session):
                await self.app(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _handle_upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._check_upload(dict(scope["headers"]), _visitor(scope))
        except RequestRefusedError:
            await _discard_body(receive)
            raise
        await self.app(scope, receive, send)

    async def _handle_post(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, visitor = scope["path"], _visitor(scope)
        body = await _read_body(receive)
        if gradio_compat.MCP_ROUTES.search(path) and not self.limiter.allow(visitor, "mcp messages"):
            raise RequestRefusedError(429, "Too many messages in a short time. Please wait a minute.")
        if gradio_compat.JOB_ROUTES.search(path):
            self._check_job(body, visitor)
            send = self._with_event_noted(send)
        await self.app(scope, _replay(body, receive), send)

    def _check_upload(self, headers: dict[bytes, bytes], visitor: str) -> None:
        length = headers.get(b"content-length", b"")
        # The server reads chunks to their end, whatever length the header gives.
        if b"transfer-encoding" in headers or not length.isdigit():
            raise RequestRefusedError(411, "An upload must give its length.")
        if not self.limiter.allow(visitor, "uploads"):
            raise RequestRefusedError(429, "Too many uploads in a short time. Please wait a minute.")
        if not self.limiter.allow(visitor, "upload mb", int(length) / 1e6):
            limit = f"{self.upload_mb_per_minute:g}"
            raise RequestRefusedError(413, f"At most {limit} MB can be uploaded in a minute.")

    def _check_job(self, body: bytes, visitor: str) -> None:
        try:
            request = json.loads(body, object_hook=_refuse_addresses)
        except (ValueError, RecursionError):
            raise RequestRefusedError(400, "This is not JSON.") from None
        if not self.limiter.allow(visitor, "jobs"):
            raise RequestRefusedError(429, "Too many requests in a short time. Please wait a minute.")
        if isinstance(request, dict) and isinstance(request.get("session_hash"), str):
            self.jobs.add_request(request["session_hash"])

    def _with_event_noted(self, send: Send) -> Send:
        """`send` that also notes the event of a job request without a session."""

        async def send_and_note(message: Message) -> None:
            if event := gradio_compat.event_id(message.get("body", b"")):
                self.jobs.add_request(event)
            await send(message)

        return send_and_note


def _visitor(scope: Scope) -> str:
    """The address that a request comes from; on Spaces, the last one that the Hub's proxy gives."""
    forwarded = dict(scope["headers"]).get(b"x-forwarded-for")
    if forwarded and os.environ.get("SPACE_ID"):
        return forwarded.decode("latin-1").split(",")[-1].strip()
    return scope["client"][0] if scope.get("client") else ""


async def _discard_body(receive: Receive) -> None:
    """Receive the body of a refused request: many clients read the answer only after they have sent it all."""
    left = MAX_DISCARDED_BYTES
    more = True
    while more and left > 0:
        message = await receive()
        left -= len(message.get("body", b""))
        more = message.get("more_body", False)


async def _read_body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            if message.get("more_body"):
                await _discard_body(receive)
            raise RequestRefusedError(413, "This request is too large. Please upload images as files.")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return body


def _replay(body: bytes, receive: Receive) -> Receive:
    """`receive` that first delivers a body that has been read already."""
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def _refuse_addresses(part: dict[str, Any]) -> dict[str, Any]:
    """Refuse a request where the path of a file is an address: {"path": "https://..."}."""
    if "://" in str(part.get("path", "")):
        raise RequestRefusedError(400, "Images are not fetched from addresses. Please upload the file.")
    return part


async def _send_refusal(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"detail": reason, "error": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
