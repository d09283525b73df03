"""The figures that this package claims, measured: one module for each subcommand of scripts/benchmark.py.

As in `commands`: `add` declares its arguments, `run` carries it out; what is heavy is imported inside `run`.
"""

from collections.abc import Sequence

from fasrgan_hub.apps.cli.main import Parser, carry_out

from . import demo, metrics, training, upscaling

BENCHMARKS = (training, upscaling, demo, metrics)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a benchmark, print its figures and return the exit status."""
    parser = Parser(prog="benchmark.py", description="Measure what the package claims, on this machine.")
    return carry_out(parser, BENCHMARKS, argv)
