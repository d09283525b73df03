"""What the page says, and the style of its tables."""

import html
from collections.abc import Mapping, Sequence

from .limits import Limits

TITLE = "FASRGAN upscaler"
HEAD = '<meta name="description" content="Enlarge images four times, and see where they look generated.">'

INTRODUCTION = """# FASRGAN upscaler
Makes small images larger, and shows where the result looks generated."""

SCORE_MAP = (
    "The discriminator that trained the model, or the default model where none came along, scores every pixel of the "
    "result, from 0, generated, to 1, photographed. Red is where it scores below 0.5: look there "
    "twice. It is an opinion, not a measured error."
)

CSS = """
.facts { width: 100%; font-size: var(--text-sm); }
.facts th, .facts td { border: 0 !important; padding: 2px 12px 2px 0 !important; vertical-align: top; }
.facts th { text-align: left; font-weight: 600; white-space: nowrap; }
.facts td { overflow-wrap: anywhere; width: 100%; }
/* Gradio's accent is too dark for text on the dark page. */
.dark button[role=tab].selected { color: var(--primary-300); }
footer .divider { display: none; }
"""


def about(limits: Limits) -> str:
    return f"""## What this is
Super-resolution with the networks of *Fine-grained Attention and Feature-sharing Generative Adversarial Networks for
Single Image Super-Resolution*. The bundled models are small (1.1 M parameters) and run on any CPU. They were trained on
images that had been shrunk with bicubic: on noisy, blurred or heavily compressed ones they do less well.

Details that are not in the small image are invented. Do not use a result as evidence: no faces, number plates,
documents or medical images.

## Limits here
One image of at most {limits.megapixels:g} megapixels and {limits.upload_mb:g} MB, or {limits.files} of them;
{limits.seconds:g} seconds a job. Uploads and results are deleted after {limits.keep_minutes:g} minutes and are seen by
nobody else. On your own machine `fasrgan upscale photo.jpg` (`pip install fasrgan-hub`) has none of these limits.

## From a program
```python
from gradio_client import Client, handle_file

result, facts = Client("ADDRESS OF THIS PAGE").predict(handle_file("photo.jpg"), api_name="/upscale")
```
`/score_map` takes an image too. All parameters are listed under *Use via API* at the foot of the page.
"""


def table(facts: Mapping[str, str]) -> str:
    """Facts as HTML that screen readers announce when they change."""
    return rows(list(facts.items()))


def rows(facts: Sequence[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in facts
    )
    return status(f'<table class="facts"><tbody>{lines}</tbody></table>' if lines else "")


def verdict(score: float, doubted: float, judge: str) -> str:
    told = f"Mean score {score:.3f}; {100 * doubted:.1f} % of the pixels score below 0.5."
    return status(f"{told} Judged by the discriminator of {html.escape(judge)}.")


def status(content: str) -> str:
    return f'<div role="status" aria-live="polite">{content}</div>'
