"""`fasrgan upscale`: Enlarge pictures."""

import argparse
import sys
import time
from typing import Any

from ..errors import UserError
from .shared import DEFAULT_MODEL, MODEL_HELP, complain, count


def add(commands: Any) -> None:
    command = commands.add_parser("upscale", help="enlarge pictures four times", description=run.__doc__)
    command.set_defaults(run=run)
    command.add_argument("inputs", nargs="+", metavar="IN", help="picture files, and folders of pictures")
    command.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="a file for one picture, a folder for several (made if absent, file names kept); "
        "default: NAME_x4.png beside each file, FOLDER_x4 beside a folder. "
        ".png, .webp and .tif are lossless, .jpg is not",
    )
    command.add_argument("--model", default=DEFAULT_MODEL, help=MODEL_HELP)
    command.add_argument("--revision", metavar="R", help="branch, tag or commit of a Hub id")
    command.add_argument(
        "--tile",
        type=count,
        metavar="N",
        help="side of a tile in input pixels: smaller takes less memory; 0: no tiles",
    )
    command.add_argument("--overlap", type=count, metavar="N", help="context around a tile in input pixels")


def run(args: argparse.Namespace) -> int:
    """Enlarge every input; a batch goes on after a mistake and ends with status 2."""
    from tqdm import tqdm

    from ..upscaling.batch import Job, make_folders, plan, upscale_file
    from ..upscaling.upscaler import Upscaler

    jobs = plan(args.inputs, args.output)
    make_folders(jobs)
    upscaler = Upscaler(args.model, revision=args.revision, tile=args.tile, overlap=args.overlap)

    def enlarge(job: Job) -> None:
        started = time.monotonic()
        with tqdm(desc=job.source.name, unit="tile", leave=False, disable=None) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            width, height = upscale_file(upscaler, job, progress)
        seconds = time.monotonic() - started
        tqdm.write(f"{job.source} -> {job.target} ({width}x{height}, {seconds:.1f} s)", file=sys.stderr)

    if len(jobs) == 1:
        enlarge(jobs[0])
        return 0
    failed = 0
    for job in tqdm(jobs, unit="picture", disable=None):
        try:
            enlarge(job)
        except UserError as error:
            failed += 1
            with tqdm.external_write_mode(file=sys.stderr):
                complain(error)
    if failed:
        raise UserError(f"{failed} of {len(jobs)} pictures failed")
    return 0
