"""The demo as it is started for visitors: `fasrgan demo` in a process of its own, on loopback."""

import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from PIL import Image


def free_port() -> int:
    """One below those of outgoing connections, which could take it before a server has it."""
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no free port")


class Demo:
    """A running demo: its address, its folder of temporary files, and its process."""

    def __init__(self, folder: Path, variables: Mapping[str, str] | None = None, **settings: Any):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        environment = os.environ | {
            "GRADIO_SERVER_PORT": str(self.port),
            "GRADIO_SERVER_NAME": "127.0.0.1",
            "GRADIO_TEMP_DIR": str(folder / "files"),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HOME": str(folder / "hub"),
            "OMP_NUM_THREADS": str(min(2, os.cpu_count() or 1)),
        }
        environment |= {f"FASRGAN_DEMO_{name.upper()}": str(value) for name, value in settings.items()}
        environment |= variables or {}
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            command = [sys.executable, "-m", "fasrgan_hub", "demo"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)

    def wait(self, seconds: float = 240) -> None:
        """Until the page is there."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urlopen(self.url, timeout=30):
                    return
            except (URLError, OSError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the demo did not start:\n{self.log.read_text()}") from None
                time.sleep(0.1)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def resident(self) -> float:
        """Megabytes of memory in use."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        memory = re.search(r"VmRSS:\s+(\d+)", status)
        return int(memory[1]) / 1000 if memory else 0.0


@contextmanager
def running(folder: Path, variables: Mapping[str, str] | None = None, **settings: Any) -> Iterator[Demo]:
    """A demo for the time of a block.

    Args:
        variables: of its environment, beside or instead of those that keep it off the network.
        settings: those of `demo.limits.Limits`.
    """
    demo = Demo(folder, variables, **settings)
    try:
        demo.wait()
        yield demo
    finally:
        demo.stop()


def noise(path: Path, width: int, height: int, seed: int = 0) -> Path:
    """An image like no other, as a file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), np.uint8)
    Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC).save(path)
    return path
