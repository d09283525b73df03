"""The command `fasrgan`.

A subcommand is a row of `COMMANDS` and a module with a dataclass `Options` and `run(options) -> exit status`; the
docstring of `run` is its description. Only the module that the command line names is imported, and what is heavy
only inside its `run`: `fasrgan --help` and `--version` load nothing but argparse.
"""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ... import __version__
from ...errors import UserError
from .exit_status import exit_status


class Subcommand(NamedTuple):
    """Where a subcommand is defined (the full name of a module), and its line in `--help`."""

    module: str
    summary: str


COMMANDS = {
    name: Subcommand(f"fasrgan_hub.apps.cli.{module}", summary)
    for name, module, summary in (
        ("upscale", "upscale", "enlarge images"),
        ("evaluate", "evaluate", "score models or finished images on benchmarks"),
        ("score-map", "score_map", "show where an image is likely wrong or looks generated"),
        ("trust", "trust", "measure how well maps predict the error"),
        ("train", "train", "train a system of the paper"),
        ("train-discriminator", "train_discriminator", "train the discriminator of a model alone"),
        ("train-error", "train_error", "train the error map of a model"),
        ("degrade", "degrade", "make LR images as training does"),
        ("import", "import_model", "convert a generator of another program"),
        ("export", "export", "write a model for other programs"),
        ("average", "average", "average the weights of models"),
        ("push", "push", "publish a model on the Hub"),
        ("demo", "demo", "upscale images in the browser"),
        ("study", "study", "run an opinion study in the browser (Table II)"),
        ("tables", "tables", "measure a table of the paper"),
        ("figures", "figures", "draw a figure of the paper"),
        ("recognition", "recognition", "measure object recognition on SR images (Table III)"),
    )
}


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises UserError for a wrong argument."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see '{self.prog} --help')")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = Parser(prog="fasrgan", description="Perceptual super-resolution.")
    parser.add_argument("--version", action="version", version=f"fasrgan {__version__}")
    with exit_status("fasrgan") as status:
        options = parse(parser, COMMANDS, argv)
        status.code = options.run(options)
    return status.code


def parse(parser: Parser, subcommands: Mapping[str, Subcommand], argv: Sequence[str] | None = None) -> Any:
    """The `Options` that `argv` (default: the process's arguments) gives the subcommand that it names.

    They also have `command`, its name, and `run`, its function.
    """
    # The Hub's client logs every failed connection; the error message of this package is enough.
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    arguments = list(sys.argv[1:] if argv is None else argv)
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    if chosen is not None and chosen not in subcommands:
        raise UserError(
            f"there is no command '{chosen}'{_suggestion(parser.prog, arguments, chosen, subcommands)}"
        )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    options = None
    for name, (module_name, summary) in subcommands.items():
        command = commands.add_parser(name, help=summary)
        if name == chosen:
            from .options import add_options

            module = import_module(module_name)
            options = module.Options()
            add_options(command, module.Options)
            command.description = module.run.__doc__
            command.set_defaults(run=module.run)
    return parser.parse_args(arguments, options)


def _suggestion(prog: str, argv: list[str], chosen: str, subcommands: Mapping[str, Subcommand]) -> str:
    """The command line that was probably meant, or where to find the list of commands."""
    from difflib import get_close_matches

    if "upscale" in subcommands and ("." in chosen or Path(chosen).exists()):
        return f"; did you mean: fasrgan upscale {shlex.join(argv)}"
    if close := get_close_matches(chosen, subcommands, n=1):
        return f"; did you mean: {close[0]}"
    return f" (see '{prog} --help')"


if __name__ == "__main__":
    sys.exit(main())
