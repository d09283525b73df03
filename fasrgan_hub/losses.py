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
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, pixel_unshuffle

HALF = 0.5

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


def grid_loss(sr: Tensor, hr: Tensor, scale: int = 4, side: int = 12) -> Tensor:
    """Eq. 3 on the means of the pixels at each place in a cell of `scale` pixels, over squares of `side` cells; ours.

    The finest texture a generator can make where its input is smooth repeats with the cells of the LR pixels, and
    the terms that ask for texture (Eq. 4 and 5) ask for that grid too. Other texture cancels out in these means.
    """

    def means(pictures: Tensor) -> Tensor:
        places = pixel_unshuffle(pictures, scale)
        return avg_pool2d(places, min(side, *places.shape[-2:]))

    return content_loss(means(sr), means(hr))


def perceptual_loss(sr_features: Sequence[Tensor], hr_features: Sequence[Tensor]) -> Tensor:
    """Eq. 4: the mean absolute difference of features before the activation, summed over the layers compared."""
    pairs = zip(sr_features, hr_features, strict=True)
    return torch.stack([(sr - hr).abs().mean() for sr, hr in pairs]).sum()
