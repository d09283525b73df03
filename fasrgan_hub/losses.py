"""The losses of Eq. 1-9 and 11, as pure functions of logits and pictures.

Logits are raw (before the sigmoid): C(x) of shape (N, 1) for the picture, M(x) of shape (N, 3, H, W) for its pixels.
`real` belongs to HR pictures, `fake` to SR pictures. Every function returns a scalar mean.

The paper prints Eq. 1, 2, 6 and 7 without the minus sign of a likelihood; what is minimised here is the binary
cross-entropy. The factor `HALF` on each pair of terms is the reference implementation's, not the paper's.
The map terms are not relativistic.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, pad, pixel_unshuffle

HALF = 0.5
UNEVEN = 4.0  # steps differ less from place to place than pixels do
EPSILON = 1e-6  # a third of a grey level, squared: a root has no gradient at 0

Mean = Callable[[Tensor], Tensor]
"""The expectation of Eq. 1 and 7 over real or fake pictures: over this process's batch, or over all processes."""


def bce(logits: Tensor, label: float) -> Tensor:
    """Binary cross-entropy of logits against one label (1: real, 0: fake)."""
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def discriminator_image_loss(real: Tensor, fake: Tensor, mean: Mean = torch.mean) -> Tensor:
    """Eq. 1, relativistic average: a real picture should score above the average fake one, and the reverse."""
    return HALF * (bce(real - mean(fake), 1) + bce(fake - mean(real), 0))


def discriminator_map_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Eq. 2: every pixel of a real picture is real, every pixel of an SR picture is not."""
    return HALF * (bce(real, 1) + bce(fake, 0))


def generator_image_loss(real: Tensor, fake: Tensor, mean: Mean = torch.mean) -> Tensor:
    """Eq. 7, "entire": Eq. 1 with the labels exchanged. Pass `real` detached."""
    return HALF * (bce(real - mean(fake), 0) + bce(fake - mean(real), 1))


def generator_map_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Eq. 6, "fine": Eq. 2 with the labels exchanged. Its first term is constant for the generator."""
    return HALF * (bce(real, 0) + bce(fake, 1))


def attention_loss(fake_map: Tensor, sr: Tensor, hr: Tensor) -> Tensor:
    """Eq. 8: L1 where the map doubts. Weight 1 - sigmoid(M(SR)), which passes no gradient."""
    return ((1 - torch.sigmoid(fake_map.detach())) * (sr - hr).abs()).mean()


def content_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Eq. 3: the mean absolute difference of pictures in [0, 1]."""
    return (sr - hr).abs().mean()


def color_loss(sr: Tensor, hr: Tensor, side: int = 8) -> Tensor:
    """Eq. 3 on pictures shrunk to the means of squares of `side` pixels; not in the paper.

    Texture cancels out in a mean and a cast does not, so this holds the colours, which Eq. 4 hardly sees.
    """
    return content_loss(avg_pool2d(sr, side), avg_pool2d(hr, side))


def texture_loss(sr: Tensor, hr: Tensor, side: int = 48) -> Tensor:
    """Eq. 3 on the root mean square of the steps between pixels, over squares of `side` pixels; not in the paper.

    How much texture there is, across and down, not which.
    """

    def strength(pictures: Tensor) -> Tensor:
        return (avg_pool2d(_squared_steps(pictures), min(side, *pictures.shape[-2:])) + EPSILON).sqrt()

    return content_loss(strength(sr), strength(hr))


def grid_loss(sr: Tensor, hr: Tensor, scale: int = 4, side: int = 12) -> Tensor:
    """Eq. 3 on what repeats with the cells of `scale` pixels in squares of `side` cells; not in the paper.

    The finest texture a generator can make where its input is smooth repeats with the cells of the LR pixels, and the
    terms that ask for texture (Eq. 4 and 5) ask for that grid too. It shows in the mean of the pixels at each place
    in a cell, or, if neighbouring cells differ, in the strength of the steps there. Other texture cancels out.
    """

    def by_place(planes: Tensor) -> Tensor:
        places = pixel_unshuffle(planes, scale)
        return avg_pool2d(places, min(side, *places.shape[-2:])).unflatten(1, (-1, scale * scale))

    def unevenness(pictures: Tensor) -> Tensor:
        strength = (by_place(_squared_steps(pictures)) + EPSILON).sqrt()
        return strength - strength.mean(dim=2, keepdim=True)

    means = content_loss(by_place(sr), by_place(hr))
    return means + UNEVEN * content_loss(unevenness(sr), unevenness(hr))


OURS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "color": color_loss,
    "texture": texture_loss,
    "grid": grid_loss,
}
"""The terms of the pictures alone that the paper does not have, each with its coefficient in `LossWeights`."""


def _squared_steps(pictures: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, 2 C, H, W): squared differences from the pixels to the left and above, 0 at the edge."""
    across = pad(pictures.diff(dim=-1), (1, 0, 0, 0))
    down = pad(pictures.diff(dim=-2), (0, 0, 1, 0))
    return torch.cat([across, down], dim=1).square()


def perceptual_loss(sr_features: Sequence[Tensor], hr_features: Sequence[Tensor]) -> Tensor:
    """Eq. 4: the mean absolute difference of features before the activation, summed over the layers compared."""
    pairs = zip(sr_features, hr_features, strict=True)
    return torch.stack([(sr - hr).abs().mean() for sr, hr in pairs]).sum()
