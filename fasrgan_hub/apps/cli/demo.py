"""`fasrgan demo`: The upscaler in the browser."""

import argparse
from importlib.util import find_spec

from ...errors import MissingPackageError


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--browser", action="store_true", help="open the page in the browser")


def run(args: argparse.Namespace) -> int:
    """Start the upscaler's page on this machine and print its address; Ctrl-C ends it.

    Host and port are those of Gradio: GRADIO_SERVER_NAME and GRADIO_SERVER_PORT in the environment.
    """
    if find_spec("gradio") is None:
        raise MissingPackageError('the page needs Gradio: pip install "fasrgan-hub[space]"')
    from ..demo.page import launch

    launch(inbrowser=args.browser)
    return 0
