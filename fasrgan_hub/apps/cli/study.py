"""`fasrgan study`: Ask people (Table II)."""

import argparse


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "source", metavar="STUDY", help="folder (or Hub dataset) with HR/ and a folder for each method"
    )
    command.add_argument(
        "--ratings", default="ratings", metavar="DIR", help="where the ratings are written (default: ratings)"
    )
    command.add_argument(
        "--dataset", metavar="ORG/NAME", help="Hub dataset that they are uploaded to as well"
    )


def run(args: argparse.Namespace) -> int:
    """Serve an opinion study in the browser. `fasrgan tables --paper table2` makes the table of its ratings."""
    from ...errors import MissingPackageError

    try:
        from ..study.app import launch
    except ImportError as error:
        raise MissingPackageError(
            f"the study needs gradio ({error}); pip install 'fasrgan-hub[space]'"
        ) from error
    launch(args.source, args.ratings, args.dataset)
    return 0
