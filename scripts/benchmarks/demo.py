"""`scripts/benchmark.py demo`: how the demo page bears many visitors at once."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from fasrgan_hub.apps.cli.options import parse_count
from fasrgan_hub.hub.model_files import DEFAULT_MODEL


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--clients", type=parse_count, default=20, metavar="N", help="at once (default: 20)")
    command.add_argument("--seconds", type=parse_count, default=60, metavar="S", help="default: 60")
    command.add_argument(
        "--side", type=parse_count, default=64, metavar="N", help="of the images (default: 64)"
    )
    command.add_argument("--model", default=DEFAULT_MODEL, help=f"default: {DEFAULT_MODEL}")


def run(args: argparse.Namespace) -> int:
    """Start the demo, visit its page, let many clients upscale images at once, and print how they fared."""
    from .demo_server import running
    from .first_visit import usable
    from .visitors import one, storm

    with (
        TemporaryDirectory() as folder,
        running(Path(folder), jobs_a_minute=1e6, upload_mb_a_minute=1e6) as demo,
    ):
        print(usable(demo.url))
        seconds = one(demo, Path(folder), args.model, 256)
        print(f"alone: 256x256 -> 1024x1024 in {seconds:.2f} s, from the upload to the result's last byte")
        load = storm(demo, Path(folder), args.clients, args.seconds, args.side, args.model)
    print(load)
    return 1 if load.wrong or load.failed else 0
