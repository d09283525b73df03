"""`fasrgan upscale`: Enlarge images."""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...errors import UserError
from ...hub.model_files import DEFAULT_MODEL
from .exit_status import print_error
from .options import MODEL_HELP, add_upscaler_options, make_upscaler

STANDARD = "-"
"""The name of standard input and standard output."""


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "inputs",
        nargs="*",
        metavar="IN",
        help='image files, folders of images, patterns such as "*.jpg", or - for an image on standard input',
    )
    command.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="a file for one image, a folder for several (made if absent, file names kept), - for standard output; "
        "default: NAME_x4.png beside each file, FOLDER_x4 beside a folder. "
        ".png, .webp and .tif are lossless, .jpg is not",
    )
    command.add_argument(
        "--model", action="append", help=f"{MODEL_HELP}; given several times, each makes a result of its own"
    )
    command.add_argument(
        "-r", "--recursive", action="store_true", help="folders in folders too; the tree is kept"
    )
    command.add_argument(
        "--files-from", metavar="FILE", help="read more names from a file, one a line (-: stdin)"
    )
    command.add_argument(
        "--skip-done", action="store_true", help="leave results alone that are no older than their images"
    )
    command.add_argument(
        "--json", action="store_true", help="one JSON object for each result on standard output"
    )
    add_upscaler_options(command)


def run(args: argparse.Namespace) -> int:
    """Enlarge every input; a batch goes on after a mistake and ends with status 2."""
    inputs = [*args.inputs, *(_names(args.files_from) if args.files_from else ())]
    if not inputs:
        args.parser.error("name an image, a folder, a pattern or --files-from")
    if STANDARD not in inputs and args.output != STANDARD:
        return _enlarge(args, inputs, args.output)
    if inputs != [STANDARD] and (STANDARD in inputs or len(inputs) > 1 or Path(inputs[0]).is_dir()):
        raise UserError("standard input and output take one image")
    with TemporaryDirectory() as folder:
        try:
            return _enlarge_stream(args, inputs[0], Path(folder))
        except UserError as error:
            raise type(error)(_without(f"{folder}{os.sep}", str(error))) from error


def _enlarge(args: argparse.Namespace, inputs: list[str], output: str | None, hidden: str = "") -> int:
    """The work itself; `hidden` is left out of the lines that tell about it."""
    from tqdm import tqdm

    from .batch import FileResult, run_jobs, summary
    from .jobs import make_folders, plan
    from .progress_bars import Bars

    started = time.monotonic()
    models = list(dict.fromkeys(args.model or [DEFAULT_MODEL]))
    jobs = plan(inputs, output, models=models, scale=args.scale, recursive=args.recursive)
    make_folders(jobs)
    upscalers = {model: make_upscaler(model, args) for model in models}
    outcomes: list[FileResult] = []
    with Bars(jobs) as bars:
        for outcome in run_jobs(jobs, upscalers, skip_done=args.skip_done, progress=bars.begin):
            outcomes.append(outcome)
            bars.end()
            with tqdm.external_write_mode(file=sys.stderr):
                if args.json:
                    record = outcome.record().items()
                    print(json.dumps({key: _without(hidden, value) for key, value in record}), flush=True)
                if outcome.status == "done":
                    print(_without(hidden, str(outcome)), file=sys.stderr)
                elif outcome.error and len(jobs) > 1:
                    print_error(outcome.error)
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    if len(jobs) == 1 and failed:
        raise UserError(outcomes[0].error)
    if len(jobs) > 1 or not outcomes[0].size:
        print(summary(outcomes, time.monotonic() - started), file=sys.stderr)
    if failed:
        raise UserError(f"{failed} of {len(jobs)} images failed")
    return 0


def _enlarge_stream(args: argparse.Namespace, given: str, folder: Path) -> int:
    """One image that comes from standard input or goes to standard output, by way of files in `folder`."""
    output = args.output or STANDARD
    if output == STANDARD:
        if args.json or len(args.model or ()) > 1:
            raise UserError("standard output takes one image and nothing else; name a file with -o")
        if sys.stdout.isatty():
            raise UserError("standard output is a terminal, which cannot show an image; name a file with -o")
        output = str(folder / "standard-output.png")
    if given == STANDARD:
        given = str(folder / "standard-input")
        with Path(given).open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
    status = _enlarge(args, [given], output, f"{folder}{os.sep}")
    if not args.output or args.output == STANDARD:
        with Path(output).open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    return status


def _without(hidden: str, value: Any) -> Any:
    return value.replace(hidden, "") if isinstance(value, str) else value


def _names(listing: str) -> list[str]:
    """The lines of a file, or of standard input, that are not empty."""
    try:
        text = sys.stdin.read() if listing == STANDARD else Path(listing).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"'{listing}' is no list of names in UTF-8") from error
    return [line for line in text.splitlines() if line.strip()]
