"""The losses of Eq. 1-9 and 11, as pure functions of logits and images.

Logits are raw (before the sigmoid): C(x) of shape (N, 1) for the image, M(x) of shape (N, 3, H, W) for its pixels.
`real` belongs to HR images, `fake` to SR images. Every function returns a scalar mean.

The paper prints Eq. 1, 2, 6 and 7 without the minus sign of a likelihood; what is minimized here is the binary
cross-entropy. The factor `HALF` on each pair of terms is the reference implementation's, not the paper's.
The map terms are not relativistic.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, pad, pixel_unshuffle, softplus

HALF = 0.5
UNEVEN = 4.0  # differences of pixels vary less from place to place than pixels do
RANKED = 8  # pixels; as wide as what `evaluation.trust` compares
EPSILON = 1e-6  # (a quarter of a gray level) squared: the gradient of a root is infinite at 0

Mean = Callable[[Tensor], Tensor]
"""The expectation of Eq. 1 and 7 over real or fake images: over this process's batch, or over all processes."""


@dataclass(frozen=True)
class LossWeights:
    """Coefficients of Eq. 9 (Eq. 11 where `attention` is 0); those after `fine` are not in the paper."""

    perceptual: float = 1.0
    """of Eq. 4, features of a network"""
    adversarial: float = 5e-3
    """lambda 1, of Eq. 5, the adversarial loss"""
    attention: float = 1e-2
    """lambda 2, of Eq. 8, L1 where the score map is low"""
    content: float = 1e-2
    """lambda 3, of Eq. 3, L1"""
    fine: float = 1.0
    """of the score map's part of Eq. 2 and 5, which the paper removes for one ablation"""
    color: float = 0.0
    """of L1 between means of 8x8 pixels, against a color cast"""
    texture: float = 0.0
    """of L1 between strengths of texture"""
    grid: float = 0.0
    """of L1 between what repeats with the LR pixels, against a grid"""
    lpips: float = 0.0
    """of the metric LPIPS (AlexNet, version 0.0)"""
    dists: float = 0.0
    """of the metric DISTS"""


def bce(logits: Tensor, label: float) -> Tensor:
    """Binary cross-entropy of logits against one label (1: real, 0: fake)."""
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def discriminator_image_loss(real: Tensor, fake: Tensor, mean: Mean = torch.mean) -> Tensor:
    """Eq. 1, relativistic average: a real image should score above the average fake one, and the reverse."""
    return HALF * (bce(real - mean(fake), 1) + bce(fake - mean(real), 0))


def discriminator_map_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Eq. 2: every pixel of a real image is real, every pixel of an SR image is not."""
    return HALF * (bce(real, 1) + bce(fake, 0))


def ranking_loss(real: Tensor, fake: Tensor, side: int = RANKED) -> Tensor:
    """Every window of an HR image should score higher than every window of its SR image; not in the paper.

    Takes the maps (N, C, H, W) of N pairs, and the logistic loss of all pairs of windows of `side` pixels within each.
    """
    above, below = (avg_pool2d(each.mean(dim=1), side).flatten(1) for each in (real, fake))
    return softplus(below[:, None, :] - above[:, :, None]).mean()


def generator_image_loss(real: Tensor, fake: Tensor, mean: Mean = torch.mean) -> Tensor:
    """Eq. 7, "entire": Eq. 1 with the labels exchanged. Pass `real` detached."""
    return HALF * (bce(real - mean(fake), 0) + bce(fake - mean(real), 1))


def generator_map_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Eq. 6, "fine": Eq. 2 with the labels exchanged. Its first term is constant for the generator."""
    return HALF * (bce(real, 0) + bce(fake, 1))


def attention_loss(fake_map: Tensor, sr: Tensor, hr: Tensor) -> Tensor:
    """Eq. 8: L1, heaviest where the score map is low. Weight 1 - sigmoid(M(SR)), which passes no gradient."""
    return ((1 - torch.sigmoid(fake_map.detach())) * (sr - hr).abs()).mean()


def content_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Eq. 3: the mean absolute difference of images in [0, 1]."""
    return (sr - hr).abs().mean()


def color_loss(sr: Tensor, hr: Tensor, side: int = 8) -> Tensor:
    """Eq. 3 between the means of squares of `side` pixels; not in the paper.

    Texture cancels out in a mean and a color cast does not. Eq. 4 hardly depends on the mean color.
    """
    return content_loss(avg_pool2d(sr, side), avg_pool2d(hr, side))


def texture_loss(sr: Tensor, hr: Tensor, side: int = 48) -> Tensor:
    """Eq. 3 between root mean squares of neighboring pixels' differences, over squares of `side` pixels.

    Not in the paper. It compares how much texture there is, across and down, not which texture.
    """

    def strength(images: Tensor) -> Tensor:
        return (avg_pool2d(_squared_differences(images), min(side, *images.shape[-2:])) + EPSILON).sqrt()

    return content_loss(strength(sr), strength(hr))


def grid_loss(sr: Tensor, hr: Tensor, cell: int = 4, side: int = 12) -> Tensor:
    """Eq. 3 between what repeats with cells of `cell` pixels, over squares of `side` cells; not in the paper.

    The finest texture that a generator can make where its input is smooth repeats with the cells of its trunk (see
    `models.generators.cell_side`), LR pixels at scale 4.
    The terms that ask for texture (Eq. 4 and 5) ask for that grid too. It shows in the mean of the pixels at each
    place in a cell or, if neighboring cells differ, in the strength of the differences there. Other texture cancels
    out.
    """

    def by_place(planes: Tensor) -> Tensor:
        places = pixel_unshuffle(planes, cell)
        return torch.unflatten(avg_pool2d(places, min(side, *places.shape[-2:])), 1, (-1, cell * cell))

    def unevenness(images: Tensor) -> Tensor:
        strength = (by_place(_squared_differences(images)) + EPSILON).sqrt()
        return strength - strength.mean(dim=2, keepdim=True)

    means = content_loss(by_place(sr), by_place(hr))
    return means + UNEVEN * content_loss(unevenness(sr), unevenness(hr))


EXTRA_TERMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "color": color_loss,
    "texture": texture_loss,
    "grid": grid_loss,
}
"""Terms of SR and HR images alone that the paper does not have, each with its coefficient in `LossWeights`."""


def _squared_differences(images: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, 2 C, H, W): squared differences from the pixels to the left and above, 0 at the edge."""
    across = pad(images.diff(dim=-1), (1, 0, 0, 0))
    down = pad(images.diff(dim=-2), (0, 0, 1, 0))
    return torch.cat([across, down], dim=1).square()


def perceptual_loss(sr_features: Sequence[Tensor], hr_features: Sequence[Tensor]) -> Tensor:
    """Eq. 4: the mean absolute difference of features before the activation, summed over the layers compared."""
    pairs = zip(sr_features, hr_features, strict=True)
    return torch.stack([(sr - hr).abs().mean() for sr, hr in pairs]).sum()
