# /// script
# requires-python = ">=3.10"
# dependencies = ["fasrgan-hub[train]"]
#
# [tool.hf-jobs]
# flavor = "l4x1"
# timeout = "24h"
# secrets = ["HF_TOKEN"]
# ///
"""Train a system: accelerate launch scripts/train.py --system fasrgan-lite --data folder:DIR --output RUN.

The header above lets `uv run` and `hf jobs uv run` install what it needs, once fasrgan-hub is released.
"""

import sys

from fasrgan_hub.apps.cli.train import main

if __name__ == "__main__":
    sys.exit(main(program="train.py"))
