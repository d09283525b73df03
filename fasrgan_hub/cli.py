"""The command `fasrgan`: a thin skin over the package.

Exit status: 0 all is well; 2 a mistake that the user can put right, told in one line on stderr; 130
interrupted. Everything heavy is imported by the subcommand that needs it, so that `fasrgan --help` answers
at once.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from . import __version__
from .errors import UserError

DEFAULT_MODEL = "fasrgan-lite-x4"
MODEL_HELP = f"a bundled model, a folder, a Hub id or 'bicubic' (default: {DEFAULT_MODEL})"


class Parser(argparse.ArgumentParser):
    """Tells a wrong argument as it tells every other mistake: in one line."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message} (see '{self.prog} --help')")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    # The Hub's library reports every attempt to connect; the one line that says what failed is ours.
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        args = _parser().parse_args(argv)
        return args.run(args)
    except UserError as error:
        _complain(error)
        return 2
    except OSError as error:
        _complain(UserError(f"{error.strerror or error}: '{error.filename}'"))
        return 2
    except KeyboardInterrupt:
        print("fasrgan: interrupted", file=sys.stderr)
        return 130


def upscale(args: argparse.Namespace) -> int:
    """Enlarge every input; a batch goes on after a mistake and ends with status 2."""
    from tqdm import tqdm

    from .upscaling.batch import Job, make_folders, plan, upscale_file
    from .upscaling.upscaler import Upscaler

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
                _complain(error)
    if failed:
        raise UserError(f"{failed} of {len(jobs)} pictures failed")
    return 0


def evaluate(args: argparse.Namespace) -> int:
    """Score a model, or finished SR pictures, against HR pictures."""
    import json

    from .evaluation import evaluate
    from .upscaling.atomic import written_whole

    model = args.model or (None if args.sr else DEFAULT_MODEL)
    report = evaluate(
        model, hr=args.hr, lr=args.lr, sr=args.sr, metrics=args.metrics, progress=sys.stderr.isatty()
    )
    print(report.table())
    if args.json:
        with written_whole(args.json) as file:
            file.write((json.dumps(report.to_dict(), indent=2) + "\n").encode())
    return 0


def push(args: argparse.Namespace) -> int:
    """Publish a run or a model folder on the Hub, in one commit, and print the URL of the commit."""
    from .publishing import prepared, publish

    if args.dry_run:
        with prepared(args.source, args.repository) as files:
            _list_files(files)
        kept = "" if args.overwrite_card else ", unless its README.md was written by hand: that is kept"
        print(f"{args.repository} would get these in one commit{kept}. Nothing was sent.")
        return 0
    url = publish(
        args.source,
        args.repository,
        private=args.private,
        revision=args.revision,
        message=args.message,
        create_pr=args.pr,
        overwrite_card=args.overwrite_card,
    )
    print(url)
    return 0


def _list_files(files: dict[str, Path]) -> None:
    sizes = {name: path.stat().st_size for name, path in files.items()}
    for name, size in [*sizes.items(), ("in all", sum(sizes.values()))]:
        print(f"{size:>13,} bytes  {name}")


def _parser() -> Parser:
    parser = Parser(prog="fasrgan", description="Perceptual x4 super-resolution.")
    parser.add_argument("--version", action="version", version=f"fasrgan {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")

    command = commands.add_parser("upscale", help="enlarge pictures four times", description=upscale.__doc__)
    command.set_defaults(run=upscale)
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
        type=_count,
        metavar="N",
        help="side of a tile in input pixels: smaller takes less memory; 0: no tiles",
    )
    command.add_argument("--overlap", type=_count, metavar="N", help="context around a tile in input pixels")

    command = commands.add_parser("evaluate", help="score a model on pictures", description=evaluate.__doc__)
    command.set_defaults(run=evaluate)
    command.add_argument("model", nargs="?", metavar="MODEL", help=MODEL_HELP)
    command.add_argument("--hr", required=True, metavar="DIR", help="the true pictures")
    command.add_argument(
        "--lr", metavar="DIR", help="the small pictures (default: the true ones, shrunk with bicubic)"
    )
    command.add_argument("--sr", metavar="DIR", help="finished pictures to score instead of a model")
    command.add_argument(
        "--metrics",
        default="psnr,ssim,rmse",
        metavar="LIST",
        help="names from psnr, ssim, rmse, lpips, lpips-0.1 and niqe, with commas between (default: psnr,ssim,rmse)",
    )
    command.add_argument("--json", metavar="FILE", help="write the scores there as well")

    command = commands.add_parser("push", help="publish a model on the Hub", description=push.__doc__)
    command.set_defaults(run=push)
    command.add_argument("source", metavar="RUN_OR_DIR", help="a training run, or a model folder")
    command.add_argument("repository", metavar="ORG/NAME", help="the repository; made if it is absent")
    command.add_argument("--private", action="store_true", help="make a new repository private")
    place = command.add_mutually_exclusive_group()
    place.add_argument("--revision", metavar="R", help="the branch; made if it is absent (default: main)")
    place.add_argument("--pr", action="store_true", help="open a pull request instead")
    command.add_argument("--message", metavar="M", help="of the commit")
    command.add_argument("--dry-run", action="store_true", help="show what would go up, and send nothing")
    command.add_argument(
        "--overwrite-card", action="store_true", help="replace a README.md that was written by hand as well"
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of pixels")
    return int(text)


def _complain(error: UserError) -> None:
    print(f"fasrgan: error: {' '.join(str(error).split())}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
