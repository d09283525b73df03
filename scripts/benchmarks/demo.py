"""`scripts/benchmark.py demo`: how the demo page bears many visitors at once."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fasrgan_hub.apps.cli.options import option, parse_count
from fasrgan_hub.hub.model_files import DEFAULT_MODEL


@dataclass
class Options:
    clients: int = option("N", default=20, type=parse_count)
    """at once (default: 20)"""
    seconds: int = option("N", default=60, type=parse_count)
    """default: 60"""
    side: int = option("N", default=64, type=parse_count)
    """of the images (default: 64)"""
    model: str = option(default=DEFAULT_MODEL, help=f"default: {DEFAULT_MODEL}")


def run(options: Options) -> int:
    """Start the demo, visit its page, let many clients upscale images at once, and print how they fared."""
    from .demo_server import running
    from .first_visit import visit
    from .visitors import send_from_many, time_one

    with (
        TemporaryDirectory() as folder,
        running(Path(folder), jobs_a_minute=1e6, upload_mb_a_minute=1e6) as demo,
    ):
        print(visit(demo.url))
        seconds = time_one(demo, Path(folder), options.model, 256)
        print(f"alone: 256x256 -> 1024x1024 in {seconds:.2f} s, from the upload to the result's last byte")
        load = send_from_many(
            demo, Path(folder), options.clients, options.seconds, options.side, options.model
        )
    print(load)
    return 1 if load.wrong or load.failed else 0
