"""The texts of the page, and the HTML and style of its tables."""

import html
from collections.abc import Sequence

from .limits import Limits
from .processing import ScoreMapResult

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

CSS = """
.facts { width: 100%; font-size: var(--text-sm); }
.facts, .facts tr, .facts th, .facts td { border: 0 !important; }
.facts tr + tr { border-top: 1px solid var(--border-color-primary) !important; }
.facts th, .facts td { padding: 2px 12px 2px 0 !important; vertical-align: top; }
.facts th { text-align: left; font-weight: 600; white-space: nowrap; }
.facts td { overflow-wrap: anywhere; width: 100%; }
"""


def about(limits: Limits) -> str:
    """The text of the tab About, in Markdown."""
    return f"""## What this is
Super-resolution with the networks of *Fine-grained Attention and Feature-sharing Generative Adversarial Networks for
Single Image Super-Resolution*. The bundled models are small (1.1 M parameters) and run on any CPU. They were trained on
images that had been downscaled with bicubic interpolation: on noisy, blurred or heavily compressed images the results
are worse.

Details that are missing in the small image are invented. Do not use a result as evidence: no faces, number plates,
documents or medical images.

## Limits on this server
One image of at most {limits.megapixels:g} megapixels and {limits.upload_mb:g} MB, or {limits.files} of them;
{limits.seconds:g} seconds per job. Uploads and results are deleted after {limits.keep_minutes:g} minutes, and nobody
else can see them. On your own machine `fasrgan upscale photo.jpg` (`pip install fasrgan-hub`) has none of these limits.

## From a program
```python
from gradio_client import Client, handle_file

result, facts = Client("ADDRESS OF THIS PAGE").predict(handle_file("photo.jpg"), api_name="/upscale")
```
`/score_map` takes an image too. *Use via API* at the bottom of the page lists all parameters.
"""


def table(rows: Sequence[tuple[str, str]]) -> str:
    """Names and values as an HTML table."""
    lines = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in rows
    )
    return status(f'<table class="facts"><tbody>{lines}</tbody></table>' if lines else "")


def score_summary(result: ScoreMapResult) -> str:
    """The line under a score map."""
    return status(
        f"Mean score {result.score:.3f}; {100 * result.below_half:.1f} % of the pixels score below 0.5. "
        f"Scored by the discriminator of {html.escape(result.discriminator)}."
    )


def status(content: str) -> str:
    """HTML that screen readers announce when it changes."""
    return f'<div role="status" aria-live="polite">{content}</div>'
