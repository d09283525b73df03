"""Train a system: accelerate launch scripts/train.py --system fasrgan-lite --data folder:DIR --output RUN."""

import sys

from fasrgan_hub.apps.cli.train import main

if __name__ == "__main__":
    sys.exit(main(program="train.py"))
