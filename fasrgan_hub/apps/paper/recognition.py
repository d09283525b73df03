"""Object recognition before and after super-resolution (Table III).

Every image is shrunk by 4 with bicubic, enlarged by each method and classified by an ImageNet classifier; "HR" is the
image itself, the table's baseline. The guesses of each image are one line of a file, so that a stopped run goes on
where it was.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import MissingFileError, NetworkError, UserError
from ...evaluation.image_pairs import make_lr, read_rgb8
from ...evaluation.methods import Upscale
from ...images.listing import is_image
from ...images.reading import from_image
from ...metrics.pixels import rgb8
from .classifiers import Classifier

BASELINE = "HR"
IMAGENET = "ILSVRC/imagenet-1k"
CLASSES = 1000
TOP = 5


@dataclass(frozen=True)
class LabeledImage:
    """An image (H, W, 3) uint8 with the number of its class; `name` is unique in its set."""

    name: str
    pixels: np.ndarray
    label: int


def labeled_images(source: str) -> Iterator[LabeledImage]:
    """The images of a folder of class folders, or of a Hub dataset's validation split, one after another.

    The class folders are called by their numbers ("0" to "999"), or there are 1000 of them, in the order of their
    names, as in ImageNet's own layout. A Hub dataset has the columns `image` and `label`.
    """
    if Path(source).is_dir():
        return _from_folder(Path(source))
    if "/" not in source or source.startswith((".", "/", "~")):
        raise MissingFileError(
            f"there is no folder '{source}'; a Hub dataset (owner/name) works too, such as {IMAGENET}"
        )
    return _from_hub(source)


def _from_folder(folder: Path) -> Iterator[LabeledImage]:
    classes = sorted(path for path in folder.iterdir() if path.is_dir())
    numbered = all(path.name.isdecimal() and int(path.name) < CLASSES for path in classes)
    if not classes or not (numbered or len(classes) == CLASSES):
        raise UserError(
            f"'{folder}' must hold a folder for each class: called by the class's number, or all {CLASSES} in order"
        )
    for position, place in enumerate(classes):
        for path in sorted(place.iterdir()):
            if is_image(path):
                label = int(place.name) if numbered else position
                yield LabeledImage(f"{place.name}/{path.name}", read_rgb8(path), label)


def _from_hub(repository: str) -> Iterator[LabeledImage]:
    for number, row in enumerate(_rows(repository)):
        if not {"image", "label"} <= set(row):
            raise UserError(f"'{repository}' has no columns image and label")
        yield LabeledImage(str(number), rgb8(from_image(row["image"]).pixels), int(row["label"]))


def _rows(repository: str) -> Iterator[dict[str, Any]]:
    from datasets import load_dataset

    try:
        yield from load_dataset(repository, split="validation", streaming=True)
    except Exception as error:  # datasets raises errors of its own, the Hub's and the network's
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise NetworkError(f"cannot read '{repository}' on the Hub: {reason[0]}") from error


def recognize(
    classifier: Classifier,
    methods: Mapping[str, Upscale],
    images: Iterable[LabeledImage],
    results: Path,
    batch: int = 16,
) -> dict[str, dict[str, float]]:
    """The errors of the classifier on the originals ("HR") and on what each method makes of them.

    Args:
        methods: name -> a function that enlarges (h, w, 3) uint8 four times.
        results: a JSONL file; images that stand in it already, with all methods, are not computed again.
        batch: images that the classifier sees at once.

    Returns: method -> {"top1": share of images whose class is not the first guess, "top5": not among five, "n"}.
    """
    known = _read(results, classifier.name)
    rows: list[dict[str, Any]] = []
    stream = iter(images)
    while chunk := list(islice(stream, batch)):
        chunk_rows = [
            known.get(image.name)
            or {"name": image.name, "label": image.label, "classifier": classifier.name, "guesses": {}}
            for image in chunk
        ]
        changed = set()
        for method, upscale in {BASELINE: None, **methods}.items():
            missing = [n for n, row in enumerate(chunk_rows) if method not in row["guesses"]]
            originals = (chunk[n].pixels for n in missing)
            enlarged = [upscale(make_lr(hr)) if upscale else hr for hr in originals]
            for n, guess in zip(missing, _guess(classifier, enlarged), strict=True):
                chunk_rows[n]["guesses"][method] = guess
            changed.update(missing)
        with results.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(chunk_rows[n]) + "\n" for n in sorted(changed))
        rows += chunk_rows
    if not rows:
        raise UserError("there are no images to recognize")
    return errors(rows, [BASELINE, *methods])


def errors(rows: Sequence[dict[str, Any]], names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Top-1 and top-5 errors by method, over rows that have all of `names`."""
    n = len(rows)
    table: dict[str, dict[str, float]] = {}
    for name in names:
        top1 = sum(row["label"] != row["guesses"][name][0] for row in rows)
        top5 = sum(row["label"] not in row["guesses"][name] for row in rows)
        table[name] = {"top1": top1 / n, "top5": top5 / n, "n": n}
    return table


@torch.inference_mode()
def _guess(classifier: Classifier, images: list[np.ndarray]) -> list[list[int]]:
    if not images:
        return []
    logits = classifier.network(torch.stack([classifier.prepare(pixels) for pixels in images]))
    return logits.topk(TOP, dim=1).indices.tolist()


def _read(results: Path, classifier: str) -> dict[str, dict[str, Any]]:
    """The rows of an earlier run by name; a last line that was cut off is removed from the file."""
    if not results.exists():
        return {}
    content = results.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        results.write_bytes(whole)
    rows = {row["name"]: row for row in map(json.loads, whole.splitlines())}
    for row in rows.values():
        if row["classifier"] != classifier:
            raise UserError(f"'{results}' holds guesses of {row['classifier']}; name another file")
    return rows
