"""Draw LR | bicubic | model | HR crops of six images: scripts/compare.py [MODEL] [-o IMAGE].

The HR images are the Space's examples, two textures that come with scikit-image and a drawn sign; none was used for
training. They are downscaled by 4 with bicubic; each crop is shown at twice its size.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from fasrgan_hub import Upscaler
from fasrgan_hub.apps.cli.exit_status import exit_status
from fasrgan_hub.hub.model_files import DEFAULT_MODEL
from fasrgan_hub.images.bicubic import downscale
from fasrgan_hub.images.reading import from_image
from fasrgan_hub.images.writing import save_image
from fasrgan_hub.metrics import psnr

ROOT = Path(__file__).parent.parent
CROPS = {
    "spaces/upscaler/examples/cat.png": (88, 148),
    "spaces/upscaler/examples/astronaut.png": (60, 176),
    "spaces/upscaler/examples/coffee.png": (40, 232),
    "skimage/grass": (200, 200),
    "skimage/brick": (200, 200),
    "fasrgan_hub/apps/demo/examples/text.png": (4, 28),
}
SIDE, ZOOM, CAPTION = 112, 2, 22


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default=DEFAULT_MODEL)
    parser.add_argument("-o", "--output", default="comparison.png")
    args = parser.parse_args()
    with exit_status("compare.py") as status:
        save_image(from_image(draw_sheet(args.model)), args.output)
    return status.code


def draw_sheet(model_name: str) -> Image.Image:
    """A row for each crop, a column for each image, with its PSNR."""
    bicubic, model = Upscaler("bicubic"), Upscaler(model_name)
    cell, font = SIDE * ZOOM, ImageFont.load_default(13)
    sheet = Image.new("RGB", (4 * cell, len(CROPS) * (cell + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (name, (top, left)) in enumerate(CROPS.items()):
        hr = read_hr(name)
        lr = shrink(hr)
        images = {
            "LR": np.kron(lr, np.ones((4, 4, 1), np.uint8)),
            "bicubic": bicubic(lr),
            model_name: model(lr),
            "HR": hr,
        }
        for column, (label, image) in enumerate(images.items()):
            crop = Image.fromarray(image[top : top + SIDE, left : left + SIDE])
            at = (column * cell, row * (cell + CAPTION))
            sheet.paste(crop.resize((cell, cell), Image.Resampling.NEAREST), at)
            score = f"  {psnr(image, hr):.2f} dB" if label not in ("LR", "HR") else ""
            draw.text((at[0] + 4, at[1] + cell + 3), label + score, "black", font)
    return sheet


def read_hr(name: str) -> np.ndarray:
    """(H, W, 3) uint8 of a file of the repository or an image of scikit-image; both sides are multiples of 4."""
    package, _, image = name.partition("/")
    source = Image.fromarray(getattr(data, image)()) if package == "skimage" else Image.open(ROOT / name)
    hr = np.asarray(source.convert("RGB"))
    return hr[: hr.shape[0] // 4 * 4, : hr.shape[1] // 4 * 4]


def shrink(hr: np.ndarray) -> np.ndarray:
    """The LR image, (H/4, W/4, 3) uint8."""
    small = downscale(torch.from_numpy(hr.copy()).permute(2, 0, 1) / 255)
    return (small.permute(1, 2, 0) * 255).round().byte().numpy()


if __name__ == "__main__":
    sys.exit(main())
