"""What a network does: redirects, signatures that expire, lost connections, servers without ranges."""

import pytest
from loopback import serve

from fasrgan_hub.data import ranges
from fasrgan_hub.data.ranges import RemoteBytes
from fasrgan_hub.errors import UserError

DATA = bytes(range(256)) * 4000


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(ranges, "WAITS", (0.0,) * 4)


def test_every_range_is_exact():
    with serve({"/a": DATA}) as server:
        remote = RemoteBytes(f"{server.url}/a", tail=1000)
        size = len(DATA)
        for start, end in [
            (0, 1),
            (5, 5000),
            (size - 3000, size - 900),
            (size - 1000, size),
            (size - 1, size),
        ]:
            assert remote.read(start, end) == DATA[start:end]
    asked = [headers["range"] for _, _, headers in server.requests]
    assert asked == [
        "bytes=0-0",
        f"bytes={size - 1000}-{size - 1}",
        "bytes=0-0",
        "bytes=5-4999",
        f"bytes={size - 3000}-{size - 1001}",
    ]


def test_a_redirect_is_followed_once_and_the_token_stays_with_the_hub(monkeypatch):
    with serve() as hub, serve({"/cdn/a": DATA}) as cdn:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        hub.redirects["/datasets/a"] = f"{cdn.url}/cdn/a?signature=1"
        remote = RemoteBytes(f"{hub.url}/datasets/a", tail=0)
        for start in range(0, 5000, 1000):
            assert remote.read(start, start + 1000) == DATA[start : start + 1000]
    asked = [headers["authorization"] for _, path, headers in hub.requests if path == "/datasets/a"]
    assert asked == ["Bearer hf_secret"]
    assert len(cdn.requests) == 6
    assert all("authorization" not in headers and "range" in headers for _, _, headers in cdn.requests)


def test_an_expired_signature_is_renewed():
    with serve() as hub, serve({"/cdn/a": DATA}) as cdn:
        hub.redirects["/a"] = f"{cdn.url}/cdn/a?signature=1"
        remote = RemoteBytes(f"{hub.url}/a", tail=0)
        hub.redirects["/a"] = f"{cdn.url}/cdn/a?signature=2"
        cdn.fault = lambda path, number: 403 if path.endswith("1") else None
        assert remote.read(0, 1000) == DATA[:1000]
        assert remote.read(1000, 2000) == DATA[1000:2000]
    assert len(hub.requests) == 2 and len(cdn.requests) == 4


@pytest.mark.parametrize("fault", ["drop", "cut", 503, 429, 500])
def test_what_fails_is_tried_again_a_few_times(fault):
    with serve({"/a": DATA}) as server:
        remote = RemoteBytes(f"{server.url}/a", tail=0)
        server.fault = lambda path, number: fault if 1 <= number <= 4 else None
        assert remote.read(0, 200_000) == DATA[:200_000]
        assert len(server.requests) == 6
        server.fault = lambda path, number: fault
        with pytest.raises(OSError, match=r"cannot read .*/a: "):
            remote.read(0, 200_000)
        assert len(server.requests) == 11


def test_a_wait_follows_each_failure_and_is_bounded(monkeypatch):
    waited = []
    monkeypatch.undo()
    monkeypatch.setattr(ranges.time, "sleep", waited.append)
    with serve({"/a": DATA}) as server:
        server.fault = lambda path, number: 503
        with pytest.raises(UserError, match="the server answers 503"):
            RemoteBytes(f"{server.url}/a", tail=0)
    assert waited == sorted(waited) and 1 < sum(waited) < 15


def test_a_server_without_ranges_is_refused_and_not_downloaded():
    with serve({"/a": DATA * 40}) as server:
        server.fault = lambda path, number: "no ranges"
        with pytest.raises(UserError, match=r"does not support ranges.* download the file"):
            RemoteBytes(f"{server.url}/a", tail=0)
    assert len(server.requests) == 1
    assert server.sent < len(DATA) * 20


@pytest.mark.parametrize(
    ("status", "message"), [(401, "hf auth login"), (403, "refused"), (404, "no such file")]
)
def test_a_refusal_is_final(status, message):
    with serve({"/a": DATA}) as server:
        server.fault = lambda path, number: status
        with pytest.raises(UserError, match=message):
            RemoteBytes(f"{server.url}/a", tail=0)
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_told():
    with serve() as server:
        pass
    with pytest.raises(UserError, match=f"cannot read {server.url}/a: ") as told:
        RemoteBytes(f"{server.url}/a", tail=0)
    assert "\n" not in str(told.value)


def test_a_file_that_changes_on_the_server_is_not_mixed():
    with serve({"/a": DATA}) as server:
        remote = RemoteBytes(f"{server.url}/a", tail=0)
        server.files["/a"] = DATA[1:]
        with pytest.raises(OSError, match="has changed"):
            remote.read(0, 100)


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("hf://datasets/org/set/a b.zip", "resolve/main/a%20b.zip"),
        ("hf://datasets/org/set@v1/data/a.tar", "resolve/v1/data/a.tar"),
        (
            "hf://datasets/org/set@refs/convert/parquet/a.parquet",
            "resolve/refs%2Fconvert%2Fparquet/a.parquet",
        ),
    ],
)
def test_addresses_on_the_hub(place, path, monkeypatch):
    asked = []
    monkeypatch.setattr(RemoteBytes, "_attempt", lambda self, span: (asked.append(self._url), (b"x", 1))[1])
    RemoteBytes(place, tail=0)
    assert asked[0].endswith(f"/datasets/org/set/{path}")
