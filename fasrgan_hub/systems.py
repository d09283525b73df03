"""The systems of the paper, as a table: a system is a generator, a discriminator and the weights of its loss terms.

Section IV-A gives depths and coefficients, Table VI the SRGAN variants. The paper's two mechanisms are independent.
Fine-grained attention is a discriminator with a score map, the UNet: the map brings the fine-grained and the
attention loss. Feature sharing is `shared_blocks` of the generator, whose extractor then feeds the discriminator.

The `-lite` systems are ours: the same with 1.1 M (RRDB) and 0.6 M (SRResNet) generator parameters, and with
discriminators that take images of any size.

A new system is a class, which config.json and `from_pretrained` name, and a row of `PAPER` in this file alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from .errors import UserError
from .hub.mixin import HubModel
from .hub.model_files import ModelFiles, model_files
from .losses import LossWeights
from .models.discriminators import Discriminator, UNetDiscriminator, VGGDiscriminator
from .models.generators import Generator, RRDBNet, SRResNet

__all__ = [
    "ESRGAN",
    "FASRGAN",
    "SRGAN",
    "SRGANFA",
    "SYSTEMS",
    "FAFsSRGAN",
    "FsSRGAN",
    "SRGANFs",
    "from_pretrained",
]
"""What the package offers of this module under its own name."""

Network = TypeVar("Network", bound=HubModel)


class ESRGAN(RRDBNet):
    """The ESRGAN baseline: RRDB generator, VGG-like discriminator."""


class FASRGAN(RRDBNet):
    """Fine-grained attention (Section III-B): ESRGAN's generator against a UNet with a score map."""


class FsSRGAN(RRDBNet):
    """Feature sharing (Section III-C): one extractor serves the generator and a VGG-like discriminator."""


class FAFsSRGAN(RRDBNet):
    """Both mechanisms (Section IV-A): a UNet discriminator on the features of the shared extractor."""


class SRGAN(SRResNet):
    """The SRGAN baseline of Table VI, without batch normalization."""


class SRGANFA(SRResNet):
    """SRGAN with fine-grained attention (Table VI)."""


class SRGANFs(SRResNet):
    """SRGAN with feature sharing (Table VI): a convolution and one residual block are shared."""


@dataclass(frozen=True)
class System:
    """One row: the classes of generator and discriminator with their arguments, the loss weights and the recipe."""

    name: str
    generator: type[Generator]
    generator_args: dict[str, Any]
    discriminator: type[Discriminator]
    discriminator_args: dict[str, Any]
    losses: LossWeights
    recipe: str
    """Name of the recipe in `training/recipes.py`."""

    def build_generator(self, **overrides: Any) -> Generator:
        """The generator with random weights; `overrides` replace arguments of the row."""
        return self.generator(**{**self.generator_args, **overrides})

    def build_discriminator(self, generator: Generator, crop: int) -> Discriminator:
        """A discriminator for `generator`, behind its extractor if it has one to share (and `in_channels` fits).

        `crop`, the training crop in HR pixels, sizes the paper's head; the pooled head of the lite rows ignores it.
        """
        channels = 3 if generator.extractor is None else generator.extractor.conv_first.out_channels
        return self.discriminator(**{"in_channels": channels, "crop": crop, **self.discriminator_args})


def _losses(weights: LossWeights, discriminator: type[Discriminator]) -> LossWeights:
    """Eq. 9 for discriminators with a score map, Eq. 11 (without the attention loss) for the others."""
    return weights if discriminator.has_map else replace(weights, attention=0.0)


PAPER_DISCRIMINATORS: dict[type[Discriminator], dict[str, Any]] = {
    UNetDiscriminator: {"width": 64, "hidden": 1024, "norm": "batch"},
    VGGDiscriminator: {"width": 64, "hidden": 100, "norm": "batch"},
}


def _paper(name: str, generator: type[Generator], discriminator: type[Discriminator], **sizes: int) -> System:
    """A system as the paper trains it; `sizes` are arguments of the generator."""
    losses = _losses(LossWeights(), discriminator)
    discriminator_args = PAPER_DISCRIMINATORS[discriminator]
    return System(
        name, generator, {**sizes, "init": "paper"}, discriminator, discriminator_args, losses, "paper"
    )


PAPER = (
    _paper("esrgan", ESRGAN, VGGDiscriminator, blocks=23, shared_blocks=0, features=64, growth=32),
    _paper("fasrgan", FASRGAN, UNetDiscriminator, blocks=23, shared_blocks=0, features=64, growth=32),
    _paper("fs-srgan", FsSRGAN, VGGDiscriminator, blocks=16, shared_blocks=1, features=64, growth=32),
    _paper("fa-fs-srgan", FAFsSRGAN, UNetDiscriminator, blocks=15, shared_blocks=2, features=64, growth=32),
    _paper("srgan", SRGAN, VGGDiscriminator, blocks=16, shared_blocks=0, features=64),
    _paper("srgan-fa", SRGANFA, UNetDiscriminator, blocks=16, shared_blocks=0, features=64),
    _paper("srgan-fs", SRGANFs, VGGDiscriminator, blocks=13, shared_blocks=1, features=64),
)

LITE_RRDBS = 6
"""RRDBs of a lite generator, those of its shared extractor included."""

# No batch norm: real and fake images are in separate batches, so that the statistics of a batch alone separate them.
# With it the lite UNet separated them in training (per-pixel AUC 0.999), but not with its running statistics (0.506):
# its score map of a single image meant nothing. Upsampling is aligned, so that the map has no seams and no lattice.
LITE_DISCRIMINATORS: dict[type[Discriminator], dict[str, Any]] = {
    UNetDiscriminator: {"width": 24, "crop": 0, "hidden": 128, "norm": "none", "upsample": "aligned"},
    VGGDiscriminator: {"width": 24, "crop": 0, "hidden": 128, "norm": "none"},
}

# With the paper's coefficients the gradient of VGG16's conv5_3 at a pixel is a thousand times that of all other terms,
# and no term keeps the colors. Lower blocks and larger content, attention and adversarial weights correct that, except
# for a shift of 2.2/255 in an image's mean color, which the color term reduces to 0.8/255. The perceptual and the
# adversarial terms also favor a grid of 4 pixels, so that the grid term (`grid_loss`) needs a large weight. It removes
# texture together with the grid; the texture term restores as much.
LITE_LOSSES = LossWeights(
    perceptual=2.0, adversarial=0.1, attention=1.0, content=1.0, color=5.0, texture=60.0, grid=200.0
)


def _lite(row: System) -> System:
    """The system of a row with smaller networks; they start from small random weights in their blocks."""
    shared = row.generator_args["shared_blocks"]
    if issubclass(row.generator, RRDBNet):
        sizes = {"blocks": LITE_RRDBS - shared, "shared_blocks": shared, "features": 32, "growth": 16}
    else:
        sizes = {"blocks": row.generator_args["blocks"], "shared_blocks": shared, "features": 40}
    return replace(
        row,
        name=f"{row.name}-lite",
        generator_args={**sizes, "init": "residual"},
        discriminator_args=LITE_DISCRIMINATORS[row.discriminator],
        losses=_losses(LITE_LOSSES, row.discriminator),
        recipe="lite",
    )


SYSTEMS: dict[str, System] = {row.name: row for row in (*PAPER, *map(_lite, PAPER))}


def system_with(backbone: type[Generator], shared_blocks: int) -> System:
    """The first system whose generator is of this backbone and has so many shared blocks, or nearly so many.

    A generator without a shared extractor stands for systems without one only.
    """
    rows = [
        row
        for row in SYSTEMS.values()
        if issubclass(row.generator, backbone)
        and bool(row.generator_args["shared_blocks"]) == bool(shared_blocks)
    ]
    return min(rows, key=lambda row: abs(row.generator_args["shared_blocks"] - shared_blocks))


def system(name: str) -> System:
    """The row of that name; UserError lists the names otherwise."""
    try:
        return SYSTEMS[name]
    except KeyError:
        raise UserError(f"there is no system '{name}'; there are {', '.join(SYSTEMS)}") from None


def from_pretrained(name: str | Path | ModelFiles, **download: Any) -> Generator:
    """Load any generator of this package; its config.json says which class it is.

    Args:
        name: a bundled model, a local folder or a Hub id; or what `model_files` gave for one.
        download: `revision`, `token`, `cache_dir`, `local_files_only`, ... as in `FASRGAN.from_pretrained`.

    Returns: the generator in eval mode, (N, 3, H, W) in [0, 1] -> (N, 3, 4H, 4W), not clamped.

    Raises:
        MissingFileError, NetworkError, AccessDeniedError: the model's files cannot be had.
        UserError: they hold no generator of this package, or are damaged.
    """
    files = model_files(name, **download)
    return _class_of(files, [row.generator for row in SYSTEMS.values()]).from_pretrained(files)


def load_discriminator(name: str | Path | ModelFiles, **download: Any) -> Discriminator:
    """The discriminator that came with a model, in eval mode. Arguments and errors as in `from_pretrained`."""
    files = model_files(name, **download).discriminator
    return _class_of(files, [row.discriminator for row in SYSTEMS.values()]).from_pretrained(files)


def _class_of(files: ModelFiles, classes: Iterable[type[Network]]) -> type[Network]:
    by_name = {kind.__name__: kind for kind in classes}
    if files.class_name not in by_name:
        raise UserError(f"'{files.name}' holds {files.class_name}, which is none of {', '.join(by_name)}")
    return by_name[files.class_name]
