"""`fasrgan demo`: The upscaler in the browser."""

from dataclasses import dataclass

from ...extras import import_extra


@dataclass
class Options:
    browser: bool = False
    """open the page in the browser"""


def run(options: Options) -> int:
    """Serve the upscaler as a web page on this machine and print its address; Ctrl-C stops it.

    Gradio takes host and port from the environment: GRADIO_SERVER_NAME and GRADIO_SERVER_PORT.
    """
    import_extra("gradio", "the page", "space")
    from ..demo.page import launch

    launch(inbrowser=options.browser)
    return 0
