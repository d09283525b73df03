"""What a study shows, and to whom in which order.

A study is a folder: `HR/` with the originals and a folder for each method with its results, paired by name. An optional
`study.json` may give `title` and `consent`, the texts at the start.

The order is random and balanced: a rater sees every result once, in rounds. A round shows each image once, with the
methods spread evenly over the images (a Latin square); which method begins is random for every rater.
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...data.pairs import pair
from ...errors import MissingFileError, UserError

ORIGINALS = "HR"
SCORES = ("almost identical", "mostly similar", "similar", "somewhat similar", "mostly different")
"""The paper's scale, 0 to 4: how different the result is from the original."""

CONSENT = (
    "You will see pairs of images, an original and a result of some method, and say how similar they are. "
    "Your answers are stored under a random number that is made for you now and kept in this browser, with the "
    "time of each answer. Nothing else about you is stored. You can stop at any time and go on later in the same "
    "browser. The answers may be published."
)


@dataclass(frozen=True)
class Item:
    """One pair to rate: the result of `method` for `image`, and the original."""

    image: str
    method: str
    original: Path
    result: Path


@dataclass(frozen=True)
class Study:
    """A study's name (its folder's), texts and items."""

    name: str
    title: str
    consent: str
    items: tuple[Item, ...]

    def order(self, rater: str) -> list[Item]:
        """All items in the order in which `rater` sees them; the same at every visit."""
        chance = random.Random(f"{self.name}/{rater}")
        by_place = {(item.image, item.method): item for item in self.items}
        images = sorted({item.image for item in self.items})
        methods = sorted({item.method for item in self.items})
        chance.shuffle(images)
        chance.shuffle(methods)
        shown: list[Item] = []
        for round_number in range(len(methods)):
            this_round = [
                by_place[image, methods[(place + round_number) % len(methods)]]
                for place, image in enumerate(images)
            ]
            chance.shuffle(this_round)
            if shown and shown[-1].image == this_round[0].image:  # never the same image twice in a row
                this_round.append(this_round.pop(0))
            shown += this_round
        return shown


def load_study(folder: str | Path, name: str = "") -> Study:
    """Read the folder of a study. UserError if it is not one, or if a method lacks the result of an image.

    Its ratings are kept by its name, which is that of the folder unless `name` is given.
    """
    folder = Path(folder)
    if not (folder / ORIGINALS).is_dir():
        raise MissingFileError(f"'{folder}' is no study: it has no folder {ORIGINALS}/ with the originals")
    methods = sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and path.name != ORIGINALS and not path.name.startswith(".")
    )
    if not methods:
        raise MissingFileError(
            f"'{folder}' has no results: make a folder for each method beside {ORIGINALS}/"
        )
    texts = {}
    if (folder / "study.json").exists():
        try:
            texts = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"study.json of '{folder}' is not valid JSON: {error}") from error
        if not isinstance(texts, dict):
            raise UserError(f'study.json of \'{folder}\' holds no object, such as {{"title": "Faces"}}')
    items = [
        Item(original.stem, method.name, original, result)
        for method in methods
        for original, result in pair(folder / ORIGINALS, method)
    ]
    name = name or folder.resolve().name
    return Study(name, texts.get("title", name), texts.get("consent", CONSENT), tuple(items))


def patch(original: np.ndarray, side: int) -> tuple[slice, slice]:
    """The part that is shown enlarged: the square of `side` pixels with the most contrast, the same for every method.

    (H, W, 3) uint8 -> rows and columns, on a grid of half a square.
    """
    gray = original.astype(np.float64).mean(axis=2)
    height, width = gray.shape
    side = min(side, height, width)
    step = max(1, side // 2)
    places = [(y, x) for y in range(0, height - side + 1, step) for x in range(0, width - side + 1, step)]
    y, x = max(places, key=lambda place: gray[place[0] : place[0] + side, place[1] : place[1] + side].std())
    return slice(y, y + side), slice(x, x + side)
