"""Where the package keeps what it has fetched, converted or computed."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$FASRGAN_HUB_CACHE`, or ~/.cache/fasrgan_hub. It may be deleted at any time."""
    return Path(os.environ.get("FASRGAN_HUB_CACHE") or "~/.cache/fasrgan_hub").expanduser()
