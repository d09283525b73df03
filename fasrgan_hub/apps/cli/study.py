"""`fasrgan study`: Run an opinion study (Table II)."""

import argparse


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "source", metavar="STUDY", help="folder (or Hub dataset) with HR/ and a folder for each method"
    )
    command.add_argument(
        "--ratings", default="ratings", metavar="DIR", help="folder for the ratings (default: ratings)"
    )
    command.add_argument("--dataset", metavar="ORG/NAME", help="also upload them to this Hub dataset")


def run(args: argparse.Namespace) -> int:
    """Serve an opinion study as a web page; `fasrgan tables --paper table2` makes a table of its ratings."""
    from ...errors import MissingPackageError

    try:
        from ..study.app import launch
    except ImportError as error:
        raise MissingPackageError(
            f"the study needs gradio ({error}); pip install 'fasrgan-hub[space]'"
        ) from error
    launch(args.source, args.ratings, args.dataset)
    return 0
