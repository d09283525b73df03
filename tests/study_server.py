"""An opinion study as a real server, in a process of its own on loopback."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from benchmarks.demo_server import free_port

from fasrgan_hub.apps.study.ratings import Rating, read_ratings

SERVE = "import sys; from fasrgan_hub.apps.study.app import launch; launch(sys.argv[1], sys.argv[2])"


@contextmanager
def served(study: Path, port: int | None = None) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of the study's server, and its process; the ratings lie beside the study's folder."""
    port = port or free_port()
    environment = {
        **os.environ,
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-c", SERVE, str(study), str(study.parent / "ratings")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                httpx.get(address, timeout=5)
                break
            except httpx.HTTPError:
                assert process.poll() is None, "the server ended"
                time.sleep(0.1)
        yield address, process
    finally:
        process.kill()
        process.wait()


def all_ratings(study: Path) -> list[Rating]:
    return [rating for path in (study.parent / "ratings").iterdir() for rating in read_ratings(path)]
