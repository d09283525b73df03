"""`accelerate launch -m fasrgan_hub.train --system fasrgan-lite --data folder:DIR --output RUN` trains a system."""

import sys

from .apps.cli.train import main

if __name__ == "__main__":
    sys.exit(main())
