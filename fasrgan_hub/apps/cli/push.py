"""`fasrgan push`: Publish models."""

import argparse
from pathlib import Path


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("source", metavar="RUN_OR_DIR", help="a run folder or a model folder")
    command.add_argument("repository", metavar="ORG/NAME", help="the repository, created if absent")
    command.add_argument("--private", action="store_true", help="create the repository as private")
    place = command.add_mutually_exclusive_group()
    place.add_argument("--revision", metavar="R", help="the branch, created if absent (default: main)")
    place.add_argument("--pr", action="store_true", help="open a pull request instead")
    command.add_argument("--message", metavar="M", help="the commit message")
    command.add_argument("--dry-run", action="store_true", help="list the files and send nothing")
    command.add_argument(
        "--overwrite-card", action="store_true", help="also replace a README.md that was written by hand"
    )


def run(args: argparse.Namespace) -> int:
    """Publish a run or a model folder on the Hub, in one commit, and print the URL of the commit."""
    from ...training.publishing import prepared, publish

    if args.dry_run:
        with prepared(args.source, args.repository) as files:
            _list_files(files)
        kept = "" if args.overwrite_card else " A README.md there that was written by hand would be kept."
        print(f"These files would be sent to {args.repository} in one commit.{kept} Nothing was sent.")
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
    for name, size in [*sizes.items(), ("total", sum(sizes.values()))]:
        print(f"{size:>13,} bytes  {name}")
