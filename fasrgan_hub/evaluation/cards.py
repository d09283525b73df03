"""What is measured afterwards, in a model card: scores in its model-index, which the Hub shows, and sections."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard

from ..data.sources import HUB_DATASET
from ..errors import MissingFileError, UserError
from ..hub.transfer import CARD
from ..images.atomic import replace_file
from ..metrics.named import METRICS
from .benchmarks import BENCHMARKS


def record_scores(folder: str | Path, scores: Mapping[str, Mapping[str, float]]) -> Path:
    """Write the mean scores {benchmark: {metric: score}} into the card of a model folder, and return its path.

    Scores of the same benchmark and metric are replaced, others and the text stay; infinities and NaN are left out.
    Raises UserError if the folder has no card, or one without metadata.
    """
    path = Path(folder, CARD)
    if not path.is_file():
        raise MissingFileError(f"'{folder}' has no {CARD} to write scores into")
    try:
        card = ModelCard(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"'{path}' has no metadata that can be read: {error}") from error
    data: Any = card.data
    results = [
        eval_result(value, name, metric)
        for name, row in scores.items()
        for metric, value in row.items()
        if math.isfinite(value)
    ]
    new = {(result.dataset_name, result.metric_type) for result in results}
    kept = [old for old in data.eval_results or [] if (old.dataset_name, old.metric_type) not in new]
    data.eval_results = kept + results
    data.model_name = data.model_name or Path(folder).resolve().name
    with replace_file(path) as file:
        file.write(str(card).encode())
    return path


def card_metrics(metrics: Sequence[str]) -> list[str]:
    """What a card reports where `metrics` are asked for: LPIPS in both versions, since papers differ in it."""
    return list(
        dict.fromkeys(
            name for metric in metrics for name in ((metric, "lpips-0.1") if metric == "lpips" else (metric,))
        )
    )


def record_section(folder: str | Path, title: str, text: str) -> None:
    """Write a section into the card of a model folder: in the place of the one of that title, else before the limits.

    Without a card nothing is written.
    """
    path = Path(folder, CARD)
    if not path.is_file():
        return
    card, section = path.read_text(encoding="utf-8"), f"## {title}\n{text}\n\n"
    old = _section_pattern(title)
    if old.search(card):
        card = old.sub(lambda match: section, card)
    else:
        place = card.find("## Intended use")
        card = f"{card.rstrip()}\n\n{section}" if place < 0 else card[:place] + section + card[place:]
    with replace_file(path) as file:
        file.write(card.encode())


def without_section(card: str, title: str) -> str:
    """The text of a card without the section of that title."""
    return _section_pattern(title).sub("", card)


def _section_pattern(title: str) -> re.Pattern[str]:
    return re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def eval_result(value: float, name: str, metric: str) -> EvalResult:
    """The mean score of a metric on a benchmark, as cards hold it; a benchmark of the Hub by its id there."""
    published = HUB_DATASET.match(BENCHMARKS[name].hr) if name in BENCHMARKS else None
    return EvalResult(
        task_type="image-to-image",
        dataset_type=published[1] if published else name.lower(),
        dataset_name=name,
        metric_type=metric,
        metric_name=METRICS[metric].label if metric in METRICS else metric,
        metric_value=round(value, 4),
    )
