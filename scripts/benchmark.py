"""Measure what the package claims: python scripts/benchmark.py NAME, where --help lists the names."""

import sys

from benchmarks import main

if __name__ == "__main__":
    sys.exit(main())
