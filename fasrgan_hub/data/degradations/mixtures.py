"""A degradation is a list of steps; a mixture has several, each with its share of the images."""

import math
from dataclasses import dataclass

import numpy as np

from ...images.bicubic import downscale, resize
from .steps import Step, Target, draw_shift

Degradation = tuple[Step, ...]


@dataclass(frozen=True)
class Mixture:
    """Degradations with their shares, which add up to 1: ((0.3, first), (0.7, second)).

    >>> web = Mixture(((1.0, (Resize(filters={"lanczos": 1}), Codec(quality=(50, 90)))),))
    >>> lr = web.degrade(hr, scale=4, rng=np.random.default_rng(0))
    """

    parts: tuple[tuple[float, Degradation], ...]

    @classmethod
    def of(cls, degradation: Degradation) -> "Mixture":
        """The mixture of one degradation."""
        return cls(((1.0, degradation),))

    @property
    def is_clean(self) -> bool:
        """Whether no image has a step, so that LR images are MATLAB's bicubic."""
        return not any(steps for share, steps in self.parts if share)

    def draw(self, rng: np.random.Generator) -> Degradation:
        """One of the degradations, each as often as its share says."""
        at = rng.random()
        for share, steps in self.parts:
            at -= share
            if at < 0:
                return steps
        return self.parts[-1][1]

    def degrade(self, hr: np.ndarray, scale: int, rng: np.random.Generator) -> np.ndarray:
        """The LR image of an HR image.

        An image that the steps leave at another size than the LR image's is resized by MATLAB's bicubic.

        Args:
            hr: (H, W, 3) uint8, H and W multiples of `scale`.
            scale: HR pixels to one LR pixel.
            rng: of every choice; the result depends on it and on `hr` alone.

        Returns: (H / scale, W / scale, 3) uint8.
        """
        rows, columns = hr.shape[:2]
        if rows % scale or columns % scale:
            raise ValueError(f"{columns}x{rows} pixels are no multiple of {scale}")
        target = Target((rows // scale, columns // scale), scale, draw_shift(rng))
        image = hr
        for step in self.draw(rng):
            if rng.random() < step.probability:
                image = step.apply(image, target, rng)
        return _reach(image, target)


def mix(shares: dict[str, float], mixtures: dict[str, Mixture]) -> Mixture:
    """One mixture out of several, by name; the shares add up to 1."""
    return Mixture(
        tuple((share * part, steps) for name, share in shares.items() for part, steps in mixtures[name].parts)
    )


def _reach(image: np.ndarray, target: Target) -> np.ndarray:
    """The image at the LR image's size."""
    import torch

    rows, columns = target.size
    if image.shape[:2] == (rows, columns):
        return np.ascontiguousarray(image)
    x = torch.from_numpy(image.copy()).permute(2, 0, 1).float() / 255
    if image.shape[:2] == (rows * target.scale, columns * target.scale):
        x = downscale(x, target.scale)
    else:
        x = resize(x, size=target.size).clamp(0, 1)
    return (x * 255).round().byte().permute(1, 2, 0).numpy()


def add_up(shares: list[float]) -> bool:
    """Whether shares add up to 1, but for rounding."""
    return math.isclose(sum(shares), 1, abs_tol=1e-6)
