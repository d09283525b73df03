"""Weighted means of models: networks that were fine-tuned from the same weights are often better averaged.

See "Model soups" (arXiv 2203.05482), "Robust fine-tuning" (arXiv 2109.01903) for means with the start itself, and "Task
arithmetic" (arXiv 2212.04089) for negative weights.
"""

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard
from torch import nn

from ..errors import MissingFileError, UserError
from ..evaluation.cards import without_section
from ..hub.mixin import mismatches
from ..hub.model_files import CONFIG, DISCRIMINATOR, WEIGHTS, ModelFiles, model_files
from ..hub.origins import Origin, read_origin, write_notice
from ..hub.transfer import CARD
from ..images.atomic import create_folder
from ..systems import from_pretrained

TITLE = "## Mean of several models"
FIRST_ALONE = ("Scores", "Error map")
"""Sections of a card that hold for its model alone, not for a mean."""


def average_models(shares: Mapping[str, float], folder: str | Path, half: bool = False) -> None:
    """Write the weighted mean of generators as a new model.

    Its discriminator and its card are those of the first; the card says what it is the mean of.

    Args:
        shares: model (a bundled name, a folder or a Hub id) -> its weight; they need not add up to 1. A negative
            one leads away from that model: 1.2 and -0.2 go on from the second beyond the first.
        folder: of the new model.
        half: store float16: half the size, three digits.

    Raises UserError for networks that differ in class or size, weights without a positive sum, and a folder that
    exists.
    """
    total = sum(shares.values())
    if not 0 < total < math.inf:
        raise UserError(f"the weights add up to {total:g}; their sum must be positive and finite")
    if Path(folder).exists():
        raise UserError(f"'{folder}' exists already; choose another folder")
    parts = [model_files(name) for name in shares]
    weights = [share / total for share in shares.values()]
    origins = [read_origin(files) for files in parts]
    mean = average([from_pretrained(files) for files in parts], weights)
    mean.license = _common_license(origins)
    with create_folder(Path(folder)) as partial:
        _copy_first(parts[0], partial)
        (mean.half() if half else mean).save_pretrained(partial)
        write_notice(partial, origins)
        _complete_card(partial / CARD, parts, weights, origins)


def average(networks: Sequence[nn.Module], weights: Sequence[float]) -> Any:
    """The first of the networks, with the weighted mean of the parameters of all. Raises UserError if they differ."""
    first, states = networks[0], [network.state_dict() for network in networks]
    for network, state in zip(networks, states, strict=True):
        if type(network) is not type(first):
            raise UserError(f"{type(network).__name__} and {type(first).__name__} have no mean")
        if problems := mismatches(states[0], state):
            raise UserError(f"only networks of one size have a mean: {'; '.join(problems)}")
    mean = {
        key: sum(weight * state[key].double() for weight, state in zip(weights, states, strict=True))
        for key in states[0]
    }
    first.load_state_dict(mean)
    return first


def _copy_first(files: ModelFiles, folder: Path) -> None:
    """Copy the card and the discriminator of a model, if it has them."""
    (folder / DISCRIMINATOR).mkdir()
    for name, subfolder in ((CARD, ""), (CONFIG, DISCRIMINATOR), (WEIGHTS, DISCRIMINATOR)):
        try:
            shutil.copyfile(files.locate(name, subfolder), folder / subfolder / name)
        except MissingFileError:
            continue
    if not any((folder / DISCRIMINATOR).iterdir()):
        (folder / DISCRIMINATOR).rmdir()


def _complete_card(
    path: Path, parts: Sequence[ModelFiles], weights: Sequence[float], origins: Sequence[Origin]
) -> None:
    """Say in the card what the model is the mean of, name all base models, and drop what was measured of the first."""
    card = ModelCard(path.read_text(encoding="utf-8"))
    data: Any = card.data
    data.base_model = sorted({base for origin in origins for base in origin.base_model}) or None
    data.base_model_relation = "merge" if data.base_model else None
    data.license = _common_license(origins) or None
    data.eval_results = None
    rows = [
        f"| {files.name} | {weight:.3g} | {', '.join(origin.base_model)} | {origin.license or 'unknown'} |"
        for files, weight, origin in zip(parts, weights, origins, strict=True)
    ]
    table = "\n".join([TITLE, "| model | weight | base model | license |", "|---|---|---|---|", *rows])
    note = "What this card says of the training is about the first of them."
    text = re.sub(
        r"^!\[.*\]\((?!http).*\)\n*", "", str(card), flags=re.MULTILINE
    )  # images that are not copied
    for title in FIRST_ALONE:
        text = without_section(text, title)
    path.write_text(f"{text.rstrip()}\n\n{table}\n\n{note}\n", encoding="utf-8")


def _common_license(origins: Sequence[Origin]) -> str:
    """The license of all, "other" if they have several, empty if one is not known."""
    licenses = {origin.license for origin in origins}
    if len(licenses) > 1:
        return "" if "" in licenses else "other"
    return licenses.pop()
