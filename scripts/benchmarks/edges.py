"""`scripts/benchmark.py edges`: What the outermost pixels gain from a reflection beyond the edges."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from fasrgan_hub.apps.cli.options import argument, option

if TYPE_CHECKING:
    import numpy as np

    from fasrgan_hub import Upscaler

RIM = 8
"""The pixels of a result that count as its edge."""


@dataclass
class Options:
    models: list[str] = argument("MODEL", nargs="+")
    hr: str = option("DIR", required=True)
    """HR images"""
    lr: str = option("DIR", required=True)
    """LR images"""


def run(options: Options) -> int:
    """Print two things by model and edges: how far flat colors are off, and the PSNR of the outermost 8 pixels.

    The colors are the 27 of which each channel is 0, 128 or 255; the PSNR is the mean over the images, in RGB.
    """
    from fasrgan_hub import Upscaler
    from fasrgan_hub.data.pairs import pair
    from fasrgan_hub.upscaling.tiles import MIRROR, ZEROS

    pairs = pair(Path(options.hr), Path(options.lr))
    print(f"{'':24}{'edges':>8}{'flat color off by':>20}{'PSNR of the rim':>18}")
    for model, edges in product(options.models, (ZEROS, MIRROR)):
        upscaler = Upscaler(model, edges=edges)
        worst, psnr = _worst_flat(upscaler), _psnr_of_the_rim(upscaler, pairs)
        print(f"{model:24}{edges:>8}{worst:>16}/255{psnr:>15.2f} dB")
    return 0


def _worst_flat(upscaler: "Upscaler") -> int:
    """The largest difference between a pixel and the middle of the result."""
    import numpy as np

    worst = 0
    for color in product((0, 128, 255), repeat=3):
        result = upscaler(np.full((24, 24, 3), color, np.uint8)).astype(int)
        middle = result[len(result) // 2, len(result) // 2]
        worst = max(worst, int(abs(result - middle).max()))
    return worst


def _psnr_of_the_rim(upscaler: "Upscaler", pairs: list[tuple[Path, Path]]) -> float:
    import numpy as np

    from fasrgan_hub.images.inputs import decode
    from fasrgan_hub.images.pixels import colors

    scores = []
    for hr_file, lr_file in pairs:
        hr = _rgb(colors(decode(hr_file).pixels))
        sr = _rgb(upscaler(colors(decode(lr_file).pixels)))
        height, width = (min(sides) for sides in zip(hr.shape[:2], sr.shape[:2], strict=True))
        squares = np.square(hr[:height, :width] - sr[:height, :width])
        rim = np.ones((height, width), bool)
        rim[RIM:-RIM, RIM:-RIM] = False
        scores.append(10 * np.log10(255**2 / squares[rim].mean()))
    return float(np.mean(scores))


def _rgb(pixels: "np.ndarray") -> "np.ndarray":
    return pixels.astype(float).repeat(3 // pixels.shape[2], axis=2)
