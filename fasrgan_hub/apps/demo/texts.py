"""The texts of the page, and the HTML and style of its tables."""

import html
import re
from collections.abc import Sequence
from pathlib import Path

from ...upscaling.maps import KINDS
from .limits import Limits

TITLE = "FASRGAN upscaler"
HEAD = '<meta name="description" content="Enlarge images two to four times. See how far the results can be trusted.">'

INTRODUCTION = """# FASRGAN upscaler
Enlarges small images, and shows how far the result can be trusted. For programs and agents:
[agents.md](agents.md), [API](?view=api)."""

MAPS = {
    "error": ("Likely errors", "how many of 255 gray levels each pixel is expected to be off"),
    "generated": (
        "Looks generated",
        "the score of the discriminator, from 0 (generated) to 1 (photographed)",
    ),
    "invented": ("Invented detail", "how far the result is from the one that invents least, in gray levels"),
}
"""Kind of map -> its name, and what it shows."""
MAPS_INFO = "; ".join(": ".join(MAPS[kind]) for kind in KINDS) + ". Each is an estimate, not a measurement."


def about(limits: Limits) -> str:
    """The text of the tab About, in Markdown."""
    return Path(__file__).with_name("about.md").read_text(encoding="utf-8").format(limits=limits)


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values as an HTML table."""
    lines = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{_with_commands(value)}</td></tr>'
        for name, value in rows
    )
    return status(f'<table class="facts"><tbody>{lines}</tbody></table>' if lines else "")


def sentence(text: str) -> str:
    """Plain text as HTML."""
    return status(html.escape(text))


def hint(sentence: str) -> str:
    """A sentence beside the image, with `commands`, as HTML."""
    return status(f'<p class="hint">{_with_commands(sentence)}</p>')


def agents(limits: Limits, address: str) -> str:
    """What a program or an agent must know to use this server, in Markdown."""
    text = Path(__file__).with_name("agents.md").read_text(encoding="utf-8")
    return text.format(limits=limits, address=address.rstrip("/"), kinds=", ".join(KINDS))


def status(content: str) -> str:
    """HTML that screen readers announce when it changes."""
    return f'<div role="status" aria-live="polite">{content}</div>'


def _with_commands(text: str) -> str:
    """Plain text as HTML, what stands between backticks as code."""
    return re.sub("`(.+?)`", r"<code>\1</code>", html.escape(text))
