"""The texts of the page, and the HTML and style of its tables."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .limits import Limits

TITLE = "FASRGAN upscaler"
HEAD = (
    '<meta name="description" content="Enlarge images up to four times, and see where they look generated.">'
)

INTRODUCTION = """# FASRGAN upscaler
Enlarges small images, and shows where the result looks generated."""

SCORE_MAP = (
    "The discriminator that was trained together with the model scores every pixel of the result, from 0 (generated) "
    "to 1 (photographed). A model without a discriminator is scored by that of the default model. Pixels with a score "
    "below 0.5 are tinted red: check them. A score is an estimate, not a measured error."
)


def about(limits: Limits) -> str:
    """The text of the tab About, in Markdown."""
    return Path(__file__).with_name("about.md").read_text(encoding="utf-8").format(limits=limits)


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values as an HTML table."""
    lines = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return status(f'<table class="facts"><tbody>{lines}</tbody></table>' if lines else "")


def score_summary(facts: dict[str, Any]) -> str:
    """The line under a score map."""
    return status(
        f"Mean score {facts['score']:.3f}; {100 * facts['below_half']:.1f} % of the pixels score below 0.5. "
        f"Scored by the discriminator of {html.escape(facts['discriminator'])}."
    )


def status(content: str) -> str:
    """HTML that screen readers announce when it changes."""
    return f'<div role="status" aria-live="polite">{content}</div>'
