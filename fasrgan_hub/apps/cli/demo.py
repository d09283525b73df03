"""`fasrgan demo`: The upscaler in the browser."""

import argparse
from importlib.util import find_spec

from ...errors import MissingPackageError


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--browser", action="store_true", help="open the page in the browser")


def run(args: argparse.Namespace) -> int:
    """Serve the upscaler as a web page on this machine and print its address; Ctrl-C stops it.

    Gradio takes host and port from the environment: GRADIO_SERVER_NAME and GRADIO_SERVER_PORT.
    """
    if find_spec("gradio") is None:
        raise MissingPackageError('the page needs Gradio: pip install "fasrgan-hub[space]"')
    from ..demo.page import launch

    launch(inbrowser=args.browser)
    return 0
