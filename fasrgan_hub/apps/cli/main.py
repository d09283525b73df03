"""The command `fasrgan`: a thin skin over the package.

Exit status: 0 all is well; 2 a mistake that the user can put right, told in one line on stderr; 130
interrupted. Everything heavy is imported by the subcommand that needs it, so that `fasrgan --help` answers
at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from ... import __version__
from ...errors import UserError
from . import (
    demo,
    evaluate,
    export,
    figures,
    import_model,
    push,
    recognition,
    score_map,
    study,
    tables,
    trust,
    upscale,
)
from .options import complain

COMMANDS = (
    upscale,
    evaluate,
    tables,
    figures,
    recognition,
    import_model,
    export,
    push,
    score_map,
    trust,
    demo,
    study,
)


class Parser(argparse.ArgumentParser):
    """Tells a wrong argument as it tells every other mistake: in one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see '{self.prog} --help')")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = Parser(prog="fasrgan", description="Perceptual x4 super-resolution.")
    parser.add_argument("--version", action="version", version=f"fasrgan {__version__}")
    return carry_out(parser, COMMANDS, argv)


def carry_out(parser: Parser, subcommands: Sequence[ModuleType], argv: Sequence[str] | None) -> int:
    """Add the subcommands to `parser`, run the one that `argv` names and return its exit status."""
    # The Hub's library reports every attempt to connect; the one line that says what failed is ours.
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for command in subcommands:
        command.add(commands)
    try:
        args = parser.parse_args(argv)
        return args.run(args)
    except UserError as error:
        complain(error, parser.prog)
        return 2
    except OSError as error:
        complain(UserError(f"{error.strerror or error}: '{error.filename}'"), parser.prog)
        return 2
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
