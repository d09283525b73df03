"""The study in a browser: consent, then one pair after another, blind; what was rated is never asked again."""

import hashlib
import re
import secrets
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder
from huggingface_hub import CommitScheduler, snapshot_download
from PIL import Image
from starlette.middleware import Middleware

from ...errors import MissingFileError, UserError
from ...hub.transfer import hub_errors
from ...images.atomic import replace_file
from ...images.reading import read_image
from ...metrics.pixels import rgb8
from ..demo import theme
from ..demo.limits import Limits
from ..demo.middleware import Guard
from ..demo.rate_limits import Desk
from .design import SCORES, Item, Study, load_study, patch
from .ratings import Ratings

ZOOM = 64
"""Side of the patch that is zoomed in, in pixels of the original."""

ENLARGED = 5

RATER = re.compile("[0-9a-f]{16}")

LIMITS = Limits(jobs_a_minute=600, upload_mb_a_minute=0)
"""Two jobs a rating: for some thirty raters behind one address. Nothing is uploaded here."""

CSS = """
.gradio-container { width: 100%; max-width: 1100px !important; margin: auto !important; }
#progress .html-container { padding: 0; }
.pair { flex-wrap: nowrap !important; }
.pair > * { min-width: 0 !important; }
/* Label and button stand above the image, not on it. */
.pair label[data-testid=block-label] { position: static; border: 0; min-height: 28px; }
.pair label[data-testid=block-label] span { display: none; }
.pair .image-container { position: static; }
.zoomed img { image-rendering: pixelated; }
.answers { flex-wrap: nowrap; }
.answers button { min-width: 0; }
@media (max-width: 700px) {
    .pair { margin: 0 -24px; width: auto; }
    .pair, .answers { gap: 6px; }
    .answers { flex-direction: column; }
    .answers button { width: 100%; }
}
"""


def launch(source: str, ratings: str = "ratings", dataset: str | None = None, **options: Any) -> Any:
    """Start the study: what `gradio.Blocks.launch` returns. Host and port are GRADIO_SERVER_NAME and _PORT.

    Args:
        source: the study's folder, or a Hub dataset of that layout.
        ratings: the folder that the ratings are written into.
        dataset: a Hub dataset that the ratings are uploaded to every five minutes, and read from at the start.
        options: of `gradio.Blocks.launch`.
    """
    study = load_study(_local(source))
    page = build(study, open_ratings(Path(ratings), dataset))
    page.queue(default_concurrency_limit=8)
    settings: dict[str, Any] = {
        "app_kwargs": {"middleware": [Middleware(Guard, desk=Desk(), limits=LIMITS)]},
        "theme": theme.theme(),
        "css": CSS,
        "js": theme.JS,
        "footer_links": [],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "show_error": False,
    }
    return page.launch(**settings | options)


def open_ratings(folder: Path, dataset: str | None = None) -> Ratings:
    """A new file for this process beside those of earlier ones: an upload never replaces what another wrote."""
    path = folder / f"ratings-{secrets.token_hex(8)}.jsonl"
    if dataset is None:
        return Ratings(path, folder.glob("ratings-*.jsonl"))
    with hub_errors(dataset):
        folder.mkdir(parents=True, exist_ok=True)
        scheduler = CommitScheduler(
            repo_id=dataset, repo_type="dataset", folder_path=folder, allow_patterns="ratings-*.jsonl"
        )
        earlier = Path(snapshot_download(dataset, repo_type="dataset", allow_patterns="ratings-*.jsonl"))
    return Ratings(path, [*folder.glob("ratings-*.jsonl"), *earlier.glob("ratings-*.jsonl")], scheduler.lock)


def build(study: Study, ratings: Ratings) -> gr.Blocks:
    """The page, not yet started. Its endpoints are `/begin` and `/rate`."""

    def begin(rater: str) -> tuple[Any, ...]:
        """Start, or go on where this rater stopped.

        Args:
            rater: 16 hexadecimal digits from an earlier visit, or nothing for a new rater.

        Returns: the rater's number, the place in the order, a line on the progress, and four images: original and
            result, then the zoomed patch of both. At the end the place is -1 and the images are empty.
        """
        if not RATER.fullmatch(rater or ""):
            rater = secrets.token_hex(8)
        return (rater, *_next(study, ratings, rater))

    def rate(rater: str, place: float, score: float) -> tuple[Any, ...]:
        """Store a rating, once, and give the next pair, as `/begin` does.

        Args:
            rater: the number that `/begin` gave.
            place: the place in the order of the pair that is rated.
            score: 0 (almost identical) to 4 (mostly different).
        """
        order = study.order(rater) if RATER.fullmatch(rater or "") else []
        if place not in range(len(order)):
            raise gr.Error("This page is out of date; reload it.", print_exception=False)
        item = order[int(place)]
        try:
            ratings.add(study.name, rater, item.image, item.method, score)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return (rater, *_next(study, ratings, rater))

    with gr.Blocks(title=study.title, analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.Markdown(f"# {study.title}")
        # Without a secret of ours Gradio makes one at every start, and after it knows no rater.
        known = gr.BrowserState("", storage_key=f"study-{study.name}", secret=study.name)
        rater = gr.Textbox(visible=False)
        place = gr.Number(visible=False)
        with gr.Column() as welcome:
            gr.Markdown(study.consent)
            start = gr.Button("I agree, begin", variant="primary", elem_id="begin")
        progress = gr.HTML(html_template='<p role="status">${value}</p>', elem_id="progress")
        with gr.Column(visible=False) as pairs:
            with gr.Row(elem_classes="pair"):
                images = [_image("Original"), _image("Result")]
            with gr.Row(elem_classes=["pair", "zoomed"]):
                images += [_image("Original, a part"), _image("Result, same part")]
            gr.Markdown("How similar is the result to the original?")
            with gr.Row(elem_classes="answers"):
                answers = [
                    gr.Button(label, size="md", elem_id=f"score-{score}")
                    for score, label in enumerate(SCORES)
                ]
        shown = [rater, place, progress, *images]
        began = start.click(begin, known, shown, api_name="begin")
        began.then(lambda number: number, rater, known, api_visibility="private")
        began.then(_opened, place, [welcome, pairs], api_visibility="private")
        for score, button in enumerate(answers):
            hidden = gr.Number(score, visible=False)
            clicked = button.click(
                rate, [rater, place, hidden], shown, api_name="rate" if score == 0 else None,
                api_visibility="public" if score == 0 else "private", trigger_mode="once",
            )  # fmt: skip
            clicked.then(_opened, place, [welcome, pairs], api_visibility="private")
    return page


def _image(label: str) -> gr.Image:
    return gr.Image(label=label, alt_text=label, interactive=False, buttons=["fullscreen"])


def _opened(place: float) -> tuple[Any, Any]:
    """Consent makes room for the pairs; at the end they go too."""
    return gr.Column(visible=False), gr.Column(visible=place >= 0)


def _next(study: Study, ratings: Ratings, rater: str) -> tuple[Any, ...]:
    order = study.order(rater)
    for place, item in enumerate(order):
        if (study.name, rater, item.image, item.method) not in ratings.done:
            return place, f"Pair {place + 1} of {len(order)}", *_pair(item)
    return -1, f"That was all: {len(order)} of {len(order)}. Thank you!", None, None, None, None


def _pair(item: Item) -> list[str]:
    """Original and result, and the patch of both, enlarged by whole pixels. No name of a method goes along."""
    original, result = (rgb8(read_image(path).pixels) for path in (item.original, item.result))
    height, width = (min(sides) for sides in zip(original.shape[:2], result.shape[:2], strict=True))
    pair = [original[:height, :width], result[:height, :width]]
    rows, columns = patch(pair[0], ZOOM)
    parts = [image[rows, columns].repeat(ENLARGED, 0).repeat(ENLARGED, 1) for image in pair]
    return [_file(image) for image in pair + parts]


def _file(image: np.ndarray) -> str:
    """A PNG file named by its content. Gradio would write it in place, under the eyes of other raters."""
    png = BytesIO()
    Image.fromarray(image).save(png, "PNG")
    folder = Path(get_upload_folder(), hashlib.sha256(png.getvalue()).hexdigest())
    folder.mkdir(parents=True, exist_ok=True)
    with replace_file(folder / "image.png") as file:
        file.write(png.getvalue())
    return str(folder / "image.png")


def _local(source: str) -> Path:
    if Path(source).is_dir():
        return Path(source)
    if "/" not in source or source.startswith((".", "/", "~")):
        raise MissingFileError(f"there is no folder '{source}'; a Hub dataset (owner/name) works too")
    with hub_errors(source):
        return Path(snapshot_download(source, repo_type="dataset"))
