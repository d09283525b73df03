"""Object recognition before and after super-resolution (Table III).

Every image is shrunk by 4 with bicubic, enlarged by each method and given to an ImageNet classifier; "HR" is the
image itself, the table's baseline. Predictions are kept a line an image, so that a stopped run goes on where it was.
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
class Labelled:
    """An image (H, W, 3) uint8 with the number of its class; `name` is unique in its set."""

    name: str
    pixels: np.ndarray
    label: int


def labeled_images(source: str) -> Iterator[Labelled]:
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


def _from_folder(folder: Path) -> Iterator[Labelled]:
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
                yield Labelled(f"{place.name}/{path.name}", read_rgb8(path), label)


def _from_hub(repository: str) -> Iterator[Labelled]:
    for number, row in enumerate(_rows(repository)):
        if not {"image", "label"} <= set(row):
            raise UserError(f"'{repository}' has no columns image and label")
        yield Labelled(str(number), rgb8(from_image(row["image"]).pixels), int(row["label"]))


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
    images: Iterable[Labelled],
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
    makers: dict[str, Upscale | None] = {BASELINE: None, **methods}
    known = {row["name"]: row for row in _read(results, classifier.name)}
    rows: list[dict[str, Any]] = []
    stream = iter(images)
    while chunk := list(islice(stream, batch)):
        done = [known.get(image.name, {"guesses": {}})["guesses"] for image in chunk]
        for name, maker in makers.items():
            todo = [place for place, guesses in enumerate(done) if name not in guesses]
            made = [_made(maker, chunk[place].pixels) for place in todo]
            for place, guess in zip(todo, _guess(classifier, made), strict=True):
                done[place] = {**done[place], name: guess}
        with results.open("a", encoding="utf-8") as file:
            for image, guesses in zip(chunk, done, strict=True):
                row = {"name": image.name, "label": image.label, "classifier": classifier.name}
                rows.append({**row, "guesses": guesses})
                if guesses != known.get(image.name, {}).get("guesses"):
                    file.write(json.dumps(rows[-1]) + "\n")
    if not rows:
        raise UserError("there are no images to recognize")
    return errors(rows, list(makers))


def _made(upscale: Upscale | None, pixels: np.ndarray) -> np.ndarray:
    """What a method makes of an image; the image itself for the baseline."""
    return pixels if upscale is None else upscale(make_lr(pixels))


def errors(rows: Sequence[dict[str, Any]], names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Top-1 and top-5 errors by method, over rows that have all of `names`."""
    n = len(rows)
    table: dict[str, dict[str, float]] = {}
    for name in names:
        found = [(row["label"], row["guesses"][name]) for row in rows]
        table[name] = {
            "top1": sum(label != guesses[0] for label, guesses in found) / n,
            "top5": sum(label not in guesses for label, guesses in found) / n,
            "n": n,
        }
    return table


@torch.inference_mode()
def _guess(classifier: Classifier, images: list[np.ndarray]) -> list[list[int]]:
    if not images:
        return []
    logits = classifier.network(torch.stack([classifier.prepare(pixels) for pixels in images]))
    return logits.topk(TOP, dim=1).indices.tolist()


def _read(results: Path, classifier: str) -> list[dict[str, Any]]:
    """What an earlier run wrote; a last line that was cut off is dropped from the file."""
    if not results.exists():
        return []
    rows, whole = [], 0
    for line in results.read_bytes().splitlines(keepends=True):
        try:
            rows.append(json.loads(line))
        except ValueError:
            with results.open("r+b") as file:
                file.truncate(whole)
            break
        whole += len(line)
    for row in rows:
        if row["classifier"] != classifier:
            raise UserError(f"'{results}' holds guesses of {row['classifier']}; name another file")
    return rows
