"""`python -m fasrgan_hub` is the command `fasrgan`."""

import sys

from .apps.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
