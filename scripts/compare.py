"""Draw real inputs enlarged: input | bicubic | other models | model: scripts/compare.py [MODEL] [--against NAME=MODEL].

The inputs are the Space's examples, images that come with scikit-image and a drawn page; none was used for training.
Each is used as it is, saved as a JPEG of low quality, or darkened with the noise of a phone at night. Pixels of a model
of another factor than 4 are drawn larger.
"""

import argparse
import io
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from fasrgan_hub import Upscaler
from fasrgan_hub.apps.cli.exit_status import exit_status
from fasrgan_hub.hub.model_files import DEFAULT_MODEL
from fasrgan_hub.images.reading import from_image
from fasrgan_hub.images.writing import save_image

ROOT = Path(__file__).parent.parent
SIDE, SCALE, CAPTION = 56, 4, 22
CONTEXT = 16
"""Pixels of the input around a crop that are enlarged with it."""


def as_it_is(image: Image.Image) -> Image.Image:
    """No change."""
    return image


def jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    """What a JPEG of this quality, 4:2:0, holds of an image."""

    def encode(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality, subsampling=2)
        return Image.open(file).convert("RGB")

    return encode


def night(image: Image.Image) -> Image.Image:
    """A tenth of the light, shot and read noise, and a JPEG of quality 90, as a phone at night would save it."""
    light = (np.asarray(image) / 255.0) ** 2.2 * 0.1
    noise = np.random.default_rng(0).normal(size=light.shape) * np.sqrt(0.001 * light + 0.002**2)
    dark = 255 * np.clip(light + noise, 0, 1) ** (1 / 2.2)
    return jpeg(90)(Image.fromarray(dark.round().astype(np.uint8)))


@dataclass(frozen=True)
class Row:
    """An input: a file of the repository or an image of scikit-image, the corner of the crop, how it was saved."""

    caption: str
    image: str
    left: int
    top: int
    change: Callable[[Image.Image], Image.Image] = as_it_is


ROWS = (
    Row("JPEG, quality 60", "fasrgan_hub/apps/demo/examples/face.png", 32, 24, jpeg(60)),
    Row("JPEG, quality 30", "spaces/upscaler/examples/coffee.png", 352, 176, jpeg(30)),
    Row("dark, with noise", "spaces/upscaler/examples/astronaut.png", 190, 60, night),
    Row("screenshot, JPEG 75", "fasrgan_hub/apps/demo/examples/text.png", 8, 40, jpeg(75)),
    Row("fur", "fasrgan_hub/apps/demo/examples/cat.png", 76, 24),
    Row("print", "fasrgan_hub/apps/demo/examples/text.png", 90, 60),
    Row("foliage", "skimage/grass", 200, 200),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default=DEFAULT_MODEL)
    parser.add_argument("--against", action="append", default=[], metavar="NAME=MODEL")
    parser.add_argument(
        "--rows", default="", help=f"such as 1,3,5; 1 to {len(ROWS)}, default all", metavar="N,..."
    )
    parser.add_argument("-o", "--output", default="comparison.png")
    args = parser.parse_args()
    with exit_status("compare.py") as status:
        columns = ["bicubic", *args.against, args.model]
        rows = [ROWS[int(number) - 1] for number in args.rows.split(",")] if args.rows else ROWS
        save_image(from_image(draw_sheet(columns, rows)), args.output)
    return status.code


def draw_sheet(models: Sequence[str], rows: Sequence[Row] = ROWS) -> Image.Image:
    """A row for each input, columns for it and `models` (MODEL or NAME=MODEL), at the factor of the last."""
    names = [Path(model.partition("=")[0]).name for model in models]
    *others, last = (model.partition("=")[2] or model for model in models)
    upscaler = Upscaler(last)
    upscalers = [*(Upscaler(model, scale=upscaler.scale) for model in others), upscaler]
    cell, font = SIDE * SCALE, ImageFont.load_default(13)
    sheet = Image.new("RGB", ((1 + len(models)) * cell, len(rows) * (cell + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        region = read_region(row)
        images = [region, *(upscale(region) for upscale in upscalers)]
        for column, (label, image) in enumerate(zip([row.caption, *names], images, strict=True)):
            at = (column * cell, number * (cell + CAPTION))
            sheet.paste(Image.fromarray(without_context(image)), at)
            draw.text((at[0] + 4, at[1] + cell + 3), label, "black", font)
    return sheet


def without_context(image: np.ndarray) -> np.ndarray:
    """The crop alone, of an input or a result; its pixels are repeated up to `SCALE` times the size of the input."""
    repeat = SCALE * (SIDE + 2 * CONTEXT) // len(image)
    inner = slice(SCALE * CONTEXT, SCALE * (CONTEXT + SIDE))
    return image.repeat(repeat, 0).repeat(repeat, 1)[inner, inner]


def read_region(row: Row) -> np.ndarray:
    """The crop of an input and its context, uint8 (SIDE + 2 CONTEXT, SIDE + 2 CONTEXT, 3)."""
    package, _, name = row.image.partition("/")
    source = Image.fromarray(getattr(data, name)()) if package == "skimage" else Image.open(ROOT / row.image)
    changed = np.asarray(row.change(source.convert("RGB")))
    padded = np.pad(changed, ((CONTEXT, CONTEXT), (CONTEXT, CONTEXT), (0, 0)), "reflect")
    return padded[row.top : row.top + SIDE + 2 * CONTEXT, row.left : row.left + SIDE + 2 * CONTEXT]


if __name__ == "__main__":
    sys.exit(main())
