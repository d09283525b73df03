"""The study in a browser: consent first, then one pair after another, without the name of the method."""

import re
import secrets
from pathlib import Path
from typing import Any

import gradio as gr
from huggingface_hub import CommitScheduler, snapshot_download

from ...errors import MissingFileError, UserError
from ...hub.transfer import hub_errors
from ..web.job_registry import JobRegistry
from ..web.server import launch as launch_page
from .design import SCORES, Study, load_study
from .presentation import next_pair
from .ratings import Ratings

RATER = re.compile("[0-9a-f]{16}")


def launch(source: str, ratings: str = "ratings", dataset: str | None = None, **options: Any) -> Any:
    """Start the study: what `gradio.Blocks.launch` returns. Host and port are GRADIO_SERVER_NAME and _PORT.

    Args:
        source: the study's folder, or a Hub dataset of that layout.
        ratings: the folder that the ratings are written into.
        dataset: a Hub dataset that the ratings are uploaded to every five minutes, and read from at the start.
        options: of `gradio.Blocks.launch`.

    Raises UserError if the study or the dataset cannot be read, or the ratings cannot be written.
    """
    study = load_study(*_find_folder(source))
    page = build(study, open_ratings(Path(ratings), dataset))
    page.queue(default_concurrency_limit=8)
    # Two jobs per rating: enough for some thirty raters behind one address. Nothing is uploaded here.
    css = Path(__file__).with_name("page.css")
    settings = {"footer_links": [], **options}
    return launch_page(page, JobRegistry(), css=css, jobs_per_minute=600, upload_mb_per_minute=0, **settings)


def open_ratings(folder: Path, dataset: str | None = None) -> Ratings:
    """A new file for this process beside those of earlier ones, so that no upload replaces another's ratings."""
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


class Endpoints:
    """What the page calls, and programs may call as `/begin` and `/rate`."""

    def __init__(self, study: Study, ratings: Ratings):
        self.study = study
        self.ratings = ratings

    def begin(self, rater: str) -> tuple[Any, ...]:
        """Start, or continue where this rater stopped.

        Args:
            rater: 16 hexadecimal digits from an earlier visit, or nothing for a new rater.

        Returns: the rater's number, the place in the order, a line on the progress, and four images: original and
            result, then the enlarged patch of both. At the end the place is -1 and the images are empty.
        """
        if not RATER.fullmatch(rater or ""):
            rater = secrets.token_hex(8)
        return (rater, *next_pair(self.study, self.ratings, rater))

    def rate(self, rater: str, place: float, score: float) -> tuple[Any, ...]:
        """Store a rating, once, and return the next pair, as `/begin` does.

        Args:
            rater: the number that `/begin` returned.
            place: the place in the order of the pair that is rated.
            score: 0 (almost identical) to 4 (mostly different).
        """
        order = self.study.order(rater) if RATER.fullmatch(rater or "") else []
        if place not in range(len(order)):
            raise gr.Error("This page is out of date; reload it.", print_exception=False)
        item = order[int(place)]
        try:
            self.ratings.add(self.study.name, rater, item.image, item.method, score)
        except UserError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return (rater, *next_pair(self.study, self.ratings, rater))


def build(study: Study, ratings: Ratings) -> gr.Blocks:
    """The page, not yet started."""
    endpoints = Endpoints(study, ratings)
    with gr.Blocks(title=study.title, analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.Markdown(f"# {study.title}")
        # Without a secret of ours Gradio makes one at every start, and does not know earlier raters after it.
        known_rater = gr.BrowserState("", storage_key=f"study-{study.name}", secret=study.name)
        rater = gr.Textbox(visible=False)
        place = gr.Number(visible=False)
        with gr.Column() as welcome:
            gr.Markdown(study.consent)
            start = gr.Button("I agree, begin", variant="primary", elem_id="begin")
        progress = gr.HTML(html_template='<p role="status">${value}</p>', elem_id="progress")
        with gr.Column(visible=False) as pairs:
            images = _pair_of_images()
            gr.Markdown("How similar is the result to the original?")
            answers = _answer_buttons()
        outputs = [rater, place, progress, *images]
        sections = [welcome, pairs]
        begun = start.click(endpoints.begin, known_rater, outputs, api_name="begin")
        begun.then(lambda number: number, rater, known_rater, api_visibility="private")
        begun.then(_visible_sections, place, sections, api_visibility="private")
        for score, button in enumerate(answers):
            value = gr.Number(score, visible=False)
            # One button stands for the public endpoint; they all call the same function.
            api: dict[str, Any] = {"api_name": "rate"} if score == 0 else {"api_visibility": "private"}
            rated = button.click(endpoints.rate, [rater, place, value], outputs, trigger_mode="once", **api)
            rated.then(_visible_sections, place, sections, api_visibility="private")
    return page


def _pair_of_images() -> list[gr.Image]:
    """Original and result, and below them the patch of both."""
    with gr.Row(elem_classes=["pair", "labels-above"]):
        images = [_image("Original"), _image("Result")]
    with gr.Row(elem_classes=["pair", "labels-above", "patches"]):
        images += [_image("Original, a part"), _image("Result, same part")]
    return images


def _image(label: str) -> gr.Image:
    return gr.Image(label=label, alt_text=label, interactive=False, buttons=["fullscreen"])


def _answer_buttons() -> list[gr.Button]:
    with gr.Row(elem_classes="answers"):
        return [gr.Button(label, size="md", elem_id=f"score-{score}") for score, label in enumerate(SCORES)]


def _visible_sections(place: float) -> tuple[Any, Any]:
    """After consent the pairs replace the welcome text; after the last pair they are hidden too."""
    return gr.Column(visible=False), gr.Column(visible=place >= 0)


def _find_folder(source: str) -> tuple[Path, str]:
    """The study's folder and name. In the Hub's cache a folder is called by its commit, and its ratings must not."""
    if Path(source).is_dir():
        return Path(source), Path(source).resolve().name
    if "/" not in source or source.startswith((".", "/", "~")):
        raise MissingFileError(f"there is no folder '{source}'; a Hub dataset (owner/name) works too")
    with hub_errors(source):
        return Path(snapshot_download(source, repo_type="dataset")), source.rpartition("/")[2]
