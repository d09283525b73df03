"""What several subcommands say in the same words."""

import argparse
import sys

from ..errors import UserError

DEFAULT_MODEL = "fasrgan-lite-x4"
MODEL_HELP = f"a bundled model, a folder, a Hub id or 'bicubic' (default: {DEFAULT_MODEL})"


def count(text: str) -> int:
    """A whole number of pixels, for argparse."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of pixels")
    return int(text)


def complain(error: UserError, program: str = "fasrgan") -> None:
    """One line on standard error."""
    print(f"{program}: error: {' '.join(str(error).split())}", file=sys.stderr)
