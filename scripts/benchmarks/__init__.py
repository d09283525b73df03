"""Measurements of what the README claims: one module for each subcommand of scripts/benchmark.py.

Each has `Options` and `run`, as the subcommands of `fasrgan` (see fasrgan_hub.apps.cli.main).
"""

from collections.abc import Sequence

from fasrgan_hub.apps.cli.exit_status import exit_status
from fasrgan_hub.apps.cli.main import Parser, Subcommand, parse

BENCHMARKS = {
    "training": Subcommand("benchmarks.training", "speed and memory of training"),
    "upscaling": Subcommand("benchmarks.upscaling", "speed of upscaling"),
    "quality": Subcommand("benchmarks.quality", "quality against time of several models"),
    "demo": Subcommand("benchmarks.demo", "the demo page under load"),
    "browser": Subcommand("benchmarks.browser", "the Space that computes in the browser"),
    "edges": Subcommand("benchmarks.edges", "the outermost pixels of results"),
    "flicker": Subcommand("benchmarks.flicker", "flicker of still parts of an enlarged video"),
    "metrics": Subcommand("benchmarks.metrics", "speed and exactness of the metrics"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a benchmark, print its figures and return the exit status."""
    parser = Parser(prog="benchmark.py", description="Measure what the package claims, on this machine.")
    with exit_status(parser.prog) as status:
        options = parse(parser, BENCHMARKS, argv)
        status.code = options.run(options)
    return status.code
