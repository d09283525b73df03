"""`fasrgan study`: Run an opinion study (Table II)."""

from dataclasses import dataclass

from ...extras import import_extra
from .options import argument, option


@dataclass
class Options:
    source: str = argument("STUDY")
    """folder (or Hub dataset) with HR/ and a folder for each method"""
    ratings: str = option("DIR", default="ratings")
    """folder for the ratings (default: ratings)"""
    dataset: str | None = option("ORG/NAME")
    """also upload them to this Hub dataset"""


def run(options: Options) -> int:
    """Serve an opinion study as a web page; `fasrgan tables --paper table2` makes a table of its ratings."""
    import_extra("gradio", "the study", "space")
    from ..study.app import launch

    launch(options.source, options.ratings, options.dataset)
    return 0
