"""LR images that are the same every time and everywhere: for benchmarks, and to look at.

What an image becomes depends on its pixels, its name, the degradation, the scale and the seed. It also depends on
the encoders: `differing_codecs` compares what they do with what was recorded.
"""

import hashlib
import warnings
import zlib
from functools import cache

import numpy as np

from ...errors import UserError
from .codecs import codec_versions
from .mixtures import Mixture
from .presets import PRESETS

RECORDED = {
    "web": "9b24672bbfc38c4fb55024f765f0ee75ea0799951af2a1668fb75a6fa96d3be6",
    "camera": "b2216c89386b6285ac2915e8002149c7963385094c2ebd5b594dc897ff943cfd",
    "real": "af2a7096ed515a568948eb0628bf5d38a7a27d8b718c1c0a9c88d2e8a5173ee8",
}
"""SHA-256 of the images that `fingerprint` makes, with the libraries of `RECORDED_WITH`."""

RECORDED_WITH = {"pillow": "12.3.0", "jpeg": "3.1.4.1", "webp": "1.6.0", "avif": "1.4.2"}


def degrade_image(
    hr: np.ndarray, name: str, degradation: Mixture, scale: int = 4, seed: int = 0
) -> np.ndarray:
    """The LR image of an image, always the same one.

    Args:
        hr: (H, W, 3) uint8; rows and columns beyond a multiple of `scale` are left out.
        name: of the image, without ending: images of one size and different names get different degradations.
        degradation: see `read_mixture`.
        scale: HR pixels to one LR pixel.
        seed: another one makes another LR image.

    Returns: (H // scale, W // scale, 3) uint8. UserError if nothing is left.
    """
    rows, columns = (side - side % scale for side in hr.shape[:2])
    if not rows or not columns:
        raise UserError(f"'{name}' has {hr.shape[1]}x{hr.shape[0]} pixels, too few to be shrunk by {scale}")
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    return degradation.degrade(hr[:rows, :columns], scale, rng)


@cache
def differing_codecs() -> str:
    """Why degraded benchmarks made here may differ from those made elsewhere; "" if they do not.

    Warns, too, the first time. Compared are pixels, not versions.
    """
    presets = [name for name, digest in RECORDED.items() if fingerprint(PRESETS[name]) != digest]
    if not presets:
        return ""
    versions = ", ".join(f"{library} {version}" for library, version in codec_versions().items())
    expected = ", ".join(f"{library} {version}" for library, version in RECORDED_WITH.items())
    reason = (
        f"degraded images ({', '.join(presets)}) are not bit for bit those that were recorded: "
        f"here are {versions}; recorded with {expected}"
    )
    warnings.warn(reason, stacklevel=2)
    return reason


def fingerprint(degradation: Mixture) -> str:
    """SHA-256 of LR images of a small pattern: 16 draws, so that every step and encoder takes part."""
    rows, columns = np.mgrid[:64, :96]
    pattern = np.stack([rows * 4, columns * 2, (rows ^ columns) * 2], axis=-1).astype(np.uint8)
    pattern[16:32, 24:72] = 255 - pattern[16:32, 24:72]
    digest = hashlib.sha256()
    for seed in range(16):
        digest.update(degrade_image(pattern, "pattern", degradation, 2, seed).tobytes())
    return digest.hexdigest()
