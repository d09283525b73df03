"""Many visitors of the demo at once: is each of them answered, with the right image, and how soon?

Every client sends images of its own, whose bicubic enlargement is known, and looks at what comes back.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
from PIL import Image

from fasrgan_hub.upscaling.upscaler import Upscaler

from .demo_server import Demo, noise

BOUNDARY = "an-image-comes-here"
SAME_IMAGE = 24.0
"""Mean difference to bicubic, of 255, below which a model's result is surely that of the same noise."""


@dataclass
class Load:
    """What became of the requests of all clients; times in seconds, memory in MB."""

    times: list[float] = field(default_factory=list)
    refused: int = 0
    wrong: int = 0
    failed: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        return float(np.percentile(self.times, part)) if self.times else float("nan")

    def __str__(self) -> str:
        early, late = self.memory[len(self.memory) // 4], self.memory[-1]
        return (
            f"{len(self.times)} answered, {self.refused} politely refused, {self.wrong} wrong, {len(self.failed)} "
            f"failed; half within {self.percentile(50):.2f} s, p95 {self.percentile(95):.2f} s; "
            f"memory {early:.0f} MB after a quarter of the time, {late:.0f} MB at the end"
        )


def time_one(demo: Demo, folder: Path, model: str, side: int) -> float:
    """Seconds for one image alone, best of 3."""
    path = noise(folder / "alone.png", side, side)
    times = []
    for _ in range(3):
        started = time.monotonic()
        upscale(demo.url, path, model)
        times.append(time.monotonic() - started)
    return min(times)


def send_from_many(demo: Demo, folder: Path, clients: int, seconds: float, side: int, model: str) -> Load:
    """Let `clients` upscale one image after the other for `seconds`; every second image with bicubic."""
    load, lock = Load(), threading.Lock()
    end = time.monotonic() + seconds
    bicubic = Upscaler("bicubic")

    def client(number: int) -> None:
        path = noise(folder / f"{number}.png", side, side - number % 8, number)
        truth = bicubic(np.asarray(Image.open(path))).astype(float)
        turn = 0
        while time.monotonic() < end:
            turn += 1
            started = time.monotonic()
            try:
                result = upscale(demo.url, path, "bicubic" if turn % 2 else model).astype(float)
            except RefusedError:
                with lock:
                    load.refused += 1
                time.sleep(0.5)
                continue
            except Exception as error:
                with lock:
                    load.failed.append(f"{type(error).__name__}: {error}")
                continue
            off = np.abs(result - truth).mean() if result.shape == truth.shape else 255.0
            with lock:
                load.times.append(time.monotonic() - started)
                load.wrong += bool(off > (0 if turn % 2 else SAME_IMAGE))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        load.memory.append(demo.resident())
        time.sleep(0.5)
    return load


class RefusedError(Exception):
    """The demo said, in a sentence, that it is too busy."""


def upscale(url: str, path: Path, model: str) -> np.ndarray:
    """One request from the upload to the last byte of the result, in bare HTTP."""
    file = {"path": upload(url, path), "meta": {"_type": "gradio.FileData"}}
    event = ask(url, {"data": [file, model, 0, 4, False, "png", 1, "mirror"]})
    result, _ = answer(url, event)
    with urlopen(result["url"], timeout=120) as reply:
        return np.asarray(Image.open(BytesIO(reply.read())))


def upload(url: str, path: Path) -> str:
    """Where on the server an uploaded file lies."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{path.name}"\r\n\r\n'
    body = head.encode() + path.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return json.loads(_post(f"{url}gradio_api/upload", body, kind))[0]


def ask(url: str, request: dict[str, Any]) -> str:
    """The event that a request became."""
    reply = _post(f"{url}gradio_api/call/upscale", json.dumps(request).encode(), "application/json")
    return json.loads(reply)["event_id"]


def answer(url: str, event: str) -> Any:
    """Wait for what an event comes to."""
    kind = ""
    with urlopen(f"{url}gradio_api/call/upscale/{event}", timeout=300) as lines:
        for line in lines:
            name, _, value = line.decode().strip().partition(": ")
            if name == "event":
                kind = value
            elif name == "data" and kind == "complete":
                return json.loads(value)
            elif name == "data" and kind == "error":
                raise RuntimeError(value)
    raise ConnectionError("the line was cut")


def _post(url: str, body: bytes, kind: str) -> bytes:
    try:
        with urlopen(Request(url, body, {"Content-Type": kind}), timeout=120) as reply:
            return reply.read()
    except HTTPError as error:
        if error.code in (429, 503) and json.loads(error.read()).get("detail"):
            raise RefusedError from error
        raise
