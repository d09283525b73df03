"""`fasrgan upscale`: Enlarge images."""

import argparse
import sys
from pathlib import Path

from ...errors import UserError
from ...hub.model_files import DEFAULT_MODEL
from .options import MODEL_HELP, add_upscaler_options, make_upscaler, parse_quality


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "inputs",
        nargs="*",
        metavar="IN",
        help='image files, folders of images, patterns such as "*.jpg", or - for an image on standard input',
    )
    command.add_argument(
        "--model", action="append", help=f"{MODEL_HELP}; may be repeated: each model makes its own result"
    )
    command.add_argument(
        "-r", "--recursive", action="store_true", help="folders with all their subfolders; the tree is kept"
    )
    command.add_argument(
        "--files-from", metavar="FILE", help="read more inputs from a file, one per line (-: stdin)"
    )
    command.add_argument(
        "--skip-done", action="store_true", help="skip images whose result exists and is not older"
    )
    command.add_argument(
        "--json", action="store_true", help="print one JSON object per result on standard output"
    )
    _add_output_options(command)
    add_upscaler_options(command)


def _add_output_options(command: argparse.ArgumentParser) -> None:
    output = command.add_argument_group("output")
    output.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="a file for one image, a folder for several (made if absent; names are kept), - for standard output; "
        "default: NAME_x4.png beside each file, FOLDER_x4/ beside a folder",
    )
    output.add_argument(
        "--format",
        metavar="F",
        help="png (default), tif, webp and jxl, which are lossless; jpg, avif, heic, gif; or same: each result as its "
        "input. If OUT is a file, its ending decides",
    )
    output.add_argument(
        "--quality",
        type=parse_quality,
        metavar="Q",
        help="1 to 100 for jpg, avif and heic (default: 95); makes webp and jxl lossy",
    )
    output.add_argument(
        "--suffix",
        metavar="TEXT",
        help="add this to the results' names (default: _x4 beside a file, else none)",
    )


def run(args: argparse.Namespace) -> int:
    """Enlarge images. After an error in one image the others still follow, and the exit status is 2."""
    from .batch import upscale_files
    from .jobs import check_quality, make_folders, plan
    from .naming import Naming
    from .report import Report
    from .standard_streams import standard_streams

    inputs = [*args.inputs, *(_read_names(args.files_from) if args.files_from else ())]
    if not inputs:
        args.parser.error("name an image, a folder, a pattern or --files-from")
    models = list(dict.fromkeys(args.model or [DEFAULT_MODEL]))
    naming = Naming(args.scale, args.suffix, args.format)
    with standard_streams(inputs, args.output, naming) as streams:
        if streams.to_stdout and (args.json or len(models) > 1):
            raise UserError("standard output takes one image and nothing else; name a file with -o")
        jobs = plan(streams.inputs, streams.output, models=models, recursive=args.recursive, naming=naming)
        check_quality(jobs, args.quality)
        make_folders(jobs)
        upscalers = {model: make_upscaler(model, args) for model in models}
        with Report(jobs, json_lines=args.json, hidden=streams.hidden) as report:
            for result in upscale_files(
                jobs, upscalers, quality=args.quality, skip_done=args.skip_done, progress=report.begin
            ):
                report.add(result)
        report.summarize()
    return 0


def _read_names(listing: str) -> list[str]:
    """The lines of a file, or of standard input, that are not empty."""
    try:
        text = sys.stdin.read() if listing == "-" else Path(listing).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"'{listing}' is not a list of names in UTF-8") from error
    return [line for line in text.splitlines() if line.strip()]
