"""Draw LR | bicubic | model | HR crops of six images: scripts/compare.py [MODEL] [-o PICTURE].

The HR images are the Space's examples, two textures that come with scikit-image and a drawn sign; none was used for
training. They are shrunk four times with our bicubic; each crop is shown twice its size.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from fasrgan_hub import Upscaler
from fasrgan_hub.hub.model_files import DEFAULT_MODEL
from fasrgan_hub.images.bicubic import downscale
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", default=DEFAULT_MODEL)
    parser.add_argument("-o", "--output", default="comparison.png")
    args = parser.parse_args()
    bicubic, model = Upscaler("bicubic"), Upscaler(args.model)
    cell, font = SIDE * ZOOM, ImageFont.load_default(13)
    sheet = Image.new("RGB", (4 * cell, len(CROPS) * (cell + CAPTION)), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (name, (top, left)) in enumerate(CROPS.items()):
        source = (
            Image.fromarray(getattr(data, name[8:])()) if name[:8] == "skimage/" else Image.open(ROOT / name)
        )
        hr = np.asarray(source.convert("RGB"))
        hr = hr[: hr.shape[0] // 4 * 4, : hr.shape[1] // 4 * 4]
        small = downscale(torch.from_numpy(hr.copy()).permute(2, 0, 1) / 255)
        lr = (small.permute(1, 2, 0) * 255).round().byte().numpy()
        images = {
            "LR": np.kron(lr, np.ones((4, 4, 1), np.uint8)),
            "bicubic": bicubic(lr),
            args.model: model(lr),
            "HR": hr,
        }
        for column, (label, image) in enumerate(images.items()):
            crop = Image.fromarray(image[top : top + SIDE, left : left + SIDE])
            at = (column * cell, row * (cell + CAPTION))
            sheet.paste(crop.resize((cell, cell), Image.Resampling.NEAREST), at)
            score = f"  {psnr(image, hr):.2f} dB" if label not in ("LR", "HR") else ""
            draw.text((at[0] + 4, at[1] + cell + 3), label + score, "black", font)
    sheet.save(args.output, optimize=True)


if __name__ == "__main__":
    main()
