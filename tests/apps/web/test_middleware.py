"""What is refused before it reaches Gradio."""

import asyncio
import json

import pytest

from fasrgan_hub.apps.web.job_registry import JobRegistry
from fasrgan_hub.apps.web.middleware import MAX_BODY_BYTES, RequestFilter


class Application:
    """The application behind the filter: records what reaches it."""

    def __init__(self, jobs: JobRegistry):
        self.jobs = jobs
        self.bodies: list[bytes] = []
        self.listening: list[str] = []

    async def __call__(self, scope, receive, send):
        self.bodies.append((await receive()).get("body", b""))
        self.listening += list(self.jobs.listeners)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"event_id":"e1"}'})


def ask(
    request_filter: RequestFilter,
    method: str,
    path: str,
    *parts: bytes,
    query: bytes = b"",
    headers=(),
    address="1.2.3.4",
):
    """Status and body of the answer."""
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent = []

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": list(headers),
             "client": (address, 1)}  # fmt: skip
    asyncio.run(request_filter(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


@pytest.fixture
def request_filter():
    jobs = JobRegistry()
    return RequestFilter(Application(jobs), jobs, jobs_per_minute=3, upload_mb_per_minute=1)


@pytest.mark.parametrize(
    "path",
    ["proxy=https://a.b/", "file=https://a.b/", "file= HTTP://a.b/", "file/ftp://a", "component_server", "deep_link",
     "vibe-edit/", "stream/x", "PROXY=https://a.b/"],
)  # fmt: skip
def test_what_the_page_never_asks_for_is_closed(request_filter, path):
    for method in ("GET", "POST", "HEAD"):
        assert ask(request_filter, method, f"/gradio_api/{path}")[0] == 403
    assert not request_filter.app.bodies


def test_what_the_page_needs_is_open(request_filter):
    for path in ("/", "/config", "/gradio_api/info", "/gradio_api/file=/tmp/gradio/a/b.png", "/assets/x.js"):
        assert ask(request_filter, "GET", path)[0] == 200


@pytest.mark.parametrize(
    "where", ["call/upscale", "call/v2/upscale/", "queue/join", "run/upscale", "api/upscale"]
)
def test_addresses_are_not_fetched(request_filter, where):
    for file in ({"path": "https://a.b/c.png"}, {"deep": [{"path": " FTP://a"}]}):
        status, body = ask(
            request_filter, "POST", f"/gradio_api/{where}", json.dumps({"data": [file]}).encode()
        )
        assert status == 400 and b"not fetched" in body


def test_a_body_comes_through_whole_and_once(request_filter):
    body = json.dumps({"data": [{"path": "/tmp/gradio/a.png", "url": "http://127.0.0.1/file"}]}).encode()
    assert ask(request_filter, "POST", "/gradio_api/queue/join", body[:20], body[20:])[0] == 200
    assert request_filter.app.bodies == [body]


@pytest.mark.parametrize("body", [b"", b"[", b"[" * 90_000, b"\xff\xfe"])
def test_what_is_not_json_is_refused(request_filter, body):
    assert ask(request_filter, "POST", "/gradio_api/queue/join", body)[0] == 400


def test_large_bodies_are_refused_without_reading_on(request_filter):
    assert ask(request_filter, "POST", "/gradio_api/cancel", *[bytes(MAX_BODY_BYTES // 4)] * 100)[0] == 413


def test_jobs_are_counted_for_each_visitor(request_filter):
    def statuses(address):
        return [
            ask(request_filter, "POST", "/gradio_api/queue/join", b"{}", address=address)[0] for _ in range(4)
        ]

    assert statuses("1.1.1.1") == [200, 200, 200, 429]
    assert statuses("2.2.2.2") == [200, 200, 200, 429]


def test_on_a_space_the_proxy_names_the_visitor(request_filter, monkeypatch):
    def status(*headers):
        return ask(request_filter, "POST", "/gradio_api/queue/join", b"{}", headers=headers)[0]

    forwarded = [(b"x-forwarded-for", f"9.9.9.9, {number}.0.0.1".encode()) for number in range(4)]
    assert [status(header) for header in forwarded] == [200, 200, 200, 429]  # anybody can send such a header
    monkeypatch.setenv("SPACE_ID", "org/space")
    assert [status(header) for header in forwarded] == [200] * 4


def test_uploads_give_their_length_and_are_counted(request_filter):
    def status(*headers):
        return ask(request_filter, "POST", "/gradio_api/upload", b"x", headers=headers)[0]

    assert status() == 411 and status((b"content-length", b"-1")) == 411
    assert status((b"content-length", b"1"), (b"transfer-encoding", b"chunked")) == 411
    assert [status((b"content-length", b"400000")) for _ in range(3)] == [200, 200, 413]


def test_listening_clients_are_registered_while_they_listen(request_filter):
    ask(request_filter, "GET", "/gradio_api/queue/data", query=b"session_hash=abc")
    ask(request_filter, "GET", "/gradio_api/call/upscale/e17")
    assert request_filter.app.listening == ["abc", "e17"] and not request_filter.jobs.listeners


def test_jobs_are_known_by_their_session_or_else_by_their_event(request_filter):
    ask(request_filter, "POST", "/gradio_api/queue/join", b'{"session_hash": "abc"}')
    assert set(request_filter.jobs.requests) == {"abc", "e1"}


def test_messages_to_the_mcp_server_are_counted_and_limited_in_size(request_filter):
    answers = [ask(request_filter, "POST", "/gradio_api/mcp/", b"{}")[0] for _ in range(13)]
    assert answers == 12 * [200] + [429]
    assert (
        ask(request_filter, "POST", "/gradio_api/mcp/", bytes(MAX_BODY_BYTES + 1), address="5.6.7.8")[0]
        == 413
    )
