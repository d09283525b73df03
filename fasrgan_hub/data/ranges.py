"""Exact byte ranges of local and remote files, one request each.

A remote file is any http(s) URL, or `hf://datasets/ORG/NAME[@REVISION]/PATH` on the Hub, whose endpoint and token
are taken as huggingface_hub is set up. Redirects (the Hub's lead to a signed address of its CDN) are followed once
and kept; whatever fails is tried again from the original address, which also renews a signature that has expired.

fsspec does none of that: its HTTP file system follows the redirect at every read, does not retry and downloads the
whole file from a server without ranges; huggingface_hub's asks the Hub at every read and reads megabytes ahead.
"""

import io
import os
import re
import time
from pathlib import Path
from typing import Any

from ..errors import MissingFileError, NetworkError, UserError

WAITS = (0.5, 1.0, 2.0, 4.0)
"""Seconds to wait before each further attempt."""

TIMEOUT = 30.0
"""Seconds without a byte after which an attempt has failed."""


class LocalBytes:
    """A file of this machine."""

    def __init__(self, place: str):
        if not Path(place).is_file():
            raise MissingFileError(f"there is no file '{place}'")
        self.place = place
        self.size = Path(place).stat().st_size

    def read(self, start: int, end: int) -> bytes:
        """The bytes [start, end); raises OSError if they cannot be read."""
        with Path(self.place).open("rb") as file:
            file.seek(start)
            data = file.read(end - start)
        if len(data) != end - start:
            raise OSError(f"{self.place} ends too early")
        return data


class RemoteBytes:
    """A file behind a URL. Opening reads its last `tail` bytes, which `read` then has at hand.

    One byte is requested first: its answer states the size, and not every server counts from the end.

    Raises UserError if the file is missing, refused or unreachable, or its server does not support ranges.
    """

    def __init__(self, place: str, tail: int):
        self.place = place
        self._url = self._address = _url(place)
        self._tail = b""
        try:
            _, self.size = self._request("0-0")
            self._tail = self.read(max(0, self.size - tail), self.size) if tail else b""
        except OSError as error:
            raise NetworkError(str(error)) from error

    def read(self, start: int, end: int) -> bytes:
        """The bytes [start, end); OSError if all attempts fail."""
        tail = self.size - len(self._tail)
        if start >= tail:
            return self._tail[start - tail : end - tail]
        if end > tail:
            return self.read(start, tail) + self._tail[: end - tail]
        data, size = self._request(f"{start}-{end - 1}")
        if len(data) != end - start or size != self.size:
            raise OSError(f"{self.place} has changed on the server")
        return data

    def _request(self, span: str) -> tuple[bytes, int]:
        """The bytes of a span as HTTP writes it, and the size of the whole file."""
        waits = iter(WAITS)
        while True:
            try:
                return self._attempt(span)
            except UserError:
                raise
            # huggingface_hub 1 speaks httpx and 2 httpx2: their errors have no base class in common.
            except Exception as error:
                self._address = self._url
                wait = next(waits, None)
                if wait is None:
                    reason = str(error) or type(error).__name__
                    raise OSError(f"cannot read {self.place}: {reason}") from error
                time.sleep(wait)

    def _attempt(self, span: str) -> tuple[bytes, int]:
        from huggingface_hub.utils import get_session

        headers = {**_hub_headers(self._address), "Range": f"bytes={span}", "Accept-Encoding": "identity"}
        with get_session().stream(
            "GET", self._address, headers=headers, timeout=TIMEOUT, follow_redirects=True
        ) as response:
            status = response.status_code
            if status == 200:
                raise UserError(
                    f"the server of {self.place} does not support ranges, so images cannot be streamed from "
                    "it; download the file and name it instead"
                )
            if status != 206:
                if 400 <= status < 500 and status not in (408, 429) and self._address == self._url:
                    raise NetworkError(f"cannot read {self.place}: {_refusal(status)}")
                raise OSError(f"the server answers {status}")
            content_range = re.fullmatch(
                r"bytes (\d+)-(\d+)/(\d+)", response.headers.get("Content-Range", "")
            )
            data = response.read()
            if not content_range or len(data) != int(content_range[2]) - int(content_range[1]) + 1:
                raise OSError("the server's answer is cut off")
            self._address = str(response.url)
            return data, int(content_range[3])


Bytes = LocalBytes | RemoteBytes


def open_bytes(place: str, tail: int) -> Bytes:
    """Open a path or URL; a remote file keeps its last `tail` bytes. Raises UserError if it cannot be opened."""
    return RemoteBytes(place, tail) if is_remote(place) else LocalBytes(place)


def is_remote(place: str) -> bool:
    return place.startswith(("http://", "https://", "hf://"))


class ByteFile(io.RawIOBase):
    """`Bytes` as a file, for readers of zip, tar and Parquet; each read is one range, so buffer small ones."""

    def __init__(self, source: Bytes):
        self._source = source
        self._position = 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._source.size)
        if end <= self._position:
            return 0
        data = self._source.read(self._position, end)
        buffer[: len(data)] = data
        self._position = end
        return len(data)


def _url(place: str) -> str:
    if not place.startswith("hf://"):
        return place
    from huggingface_hub import hf_hub_url

    parts = re.fullmatch(r"hf://datasets/([^/]+/[^/@]+)(?:@(refs/\w+/[^/]+|[^/]+))?/(.+)", place)
    if not parts:
        raise UserError(f"'{place}' is no file on the Hub; write hf://datasets/ORG/NAME[@REVISION]/PATH")
    repository, revision, path = parts.groups()
    return hf_hub_url(repository, path, repo_type="dataset", revision=revision)


def _hub_headers(address: str) -> dict[str, str]:
    """The token and user agent for the Hub, and nothing for other servers."""
    from huggingface_hub import constants
    from huggingface_hub.utils import build_hf_headers

    to_hub = address.startswith(constants.ENDPOINT + "/")
    return build_hf_headers(library_name="fasrgan-hub") if to_hub else {}


def _refusal(status: int) -> str:
    return {
        401: "it is private or not there (status 401); `hf auth login` gives access to private files",
        403: "access is refused (status 403)",
        404: "there is no such file (status 404)",
    }.get(status, f"the server refuses it (status {status})")
