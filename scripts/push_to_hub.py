# /// script
# requires-python = ">=3.10"
# dependencies = ["fasrgan-hub"]
# ///
"""Publish a run or a model folder: python scripts/push_to_hub.py RUN_OR_DIR ORG/NAME. As `fasrgan push`."""

import sys

from fasrgan_hub.apps.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["push", *sys.argv[1:]]))
