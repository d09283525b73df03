"""The systems of the paper, as a table.

A system is a generator, a discriminator and the weights of its loss terms. The paper's two mechanisms are two
independent columns: fine-grained attention is the UNet discriminator (whose score map brings the fine-grained and
the attention loss), feature sharing is `shared_blocks` of the generator, whose extractor then feeds the
discriminator. A new system is a class and a row here, and nothing elsewhere.

Section IV-A gives depths and coefficients, Table VI the SRGAN variants. The `-lite` rows are ours: the same systems
at 1.1 M (RRDB) and 0.6 M (SRResNet) generator parameters, with discriminators that take images of any size.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .errors import UserError
from .hub.model_files import read_config
from .losses import LossWeights
from .models.discriminators import UNetDiscriminator, VGGDiscriminator
from .models.generators import Generator, RRDBNet, SRResNet


class ESRGAN(RRDBNet):
    """The ESRGAN baseline: 23 RRDBs, VGG-like discriminator. Arguments as in `RRDBNet`."""


class FASRGAN(RRDBNet):
    """Fine-grained attention (Section III-B): ESRGAN's generator against a UNet with a score map."""


class FsSRGAN(RRDBNet):
    """Feature sharing (Section III-C): one extractor serves the generator and a VGG-like discriminator."""

    def __init__(
        self,
        blocks: int = 16,
        features: int = 64,
        growth: int = 32,
        shared_blocks: int = 1,
        init: str = "residual",
    ):
        super().__init__(blocks, features, growth, shared_blocks, init)


class FAFsSRGAN(RRDBNet):
    """Both mechanisms (Section IV-A): a UNet discriminator on the features of the shared extractor."""

    def __init__(
        self,
        blocks: int = 15,
        features: int = 64,
        growth: int = 32,
        shared_blocks: int = 2,
        init: str = "residual",
    ):
        super().__init__(blocks, features, growth, shared_blocks, init)


class SRGAN(SRResNet):
    """The SRGAN baseline of Table VI, without batch normalization. Arguments as in `SRResNet`."""


class SRGANFA(SRResNet):
    """SRGAN with fine-grained attention (Table VI)."""


class SRGANFs(SRResNet):
    """SRGAN with feature sharing (Table VI): a convolution and one residual block are shared."""

    def __init__(self, blocks: int = 13, features: int = 64, shared_blocks: int = 1, init: str = "residual"):
        super().__init__(blocks, features, shared_blocks, init)


@dataclass(frozen=True)
class System:
    """One row: two classes with the arguments that differ from their defaults, and how they are trained."""

    name: str
    generator: type[Generator]
    generator_args: dict[str, Any]
    discriminator: type[UNetDiscriminator] | type[VGGDiscriminator]
    discriminator_args: dict[str, Any]
    losses: LossWeights
    recipe: str = "paper"
    """Name of the recipe in `training/recipes.py`."""

    def build_generator(self, **overrides: Any) -> Generator:
        return self.generator(**{**self.generator_args, **overrides})

    def build_discriminator(self, generator: Generator, crop: int) -> UNetDiscriminator | VGGDiscriminator:
        """A discriminator for `generator`, behind its extractor if it has one to share (and `in_channels` fits).

        `crop`, the training crop in HR pixels, sizes the paper's head; the pooled head of the lite rows ignores it.
        """
        channels = 3 if generator.extractor is None else generator.conv_first.in_channels
        return self.discriminator(**{"in_channels": channels, "crop": crop, **self.discriminator_args})


ATTENTION = LossWeights()
NO_ATTENTION = LossWeights(attention=0.0)
PAPER = {"init": "paper"}

LITE_RRDB = {"blocks": 6, "features": 32, "growth": 16}
LITE_RRDB_FS = {"blocks": 5, "features": 32, "growth": 16}
LITE_RRDB_FAFS = {"blocks": 4, "features": 32, "growth": 16}
LITE_RESNET = {"blocks": 16, "features": 40}
LITE_RESNET_FS = {"blocks": 13, "features": 40}
# Without batch norm: real and fake images pass the discriminator in batches of their own, whose statistics alone
# give them away. Trained with it, the lite UNet told them apart in training (per-pixel AUC 0.999) and not at all with
# its running statistics (0.506), so that its score map said nothing of a single image.
LITE_UNET = {"width": 24, "crop": 0, "hidden": 128, "norm": "none"}
LITE_VGG = {"width": 24, "crop": 0, "hidden": 128, "norm": "none"}

# At the paper's coefficients VGG16's conv5_3 moves a pixel a thousand times as hard as all other terms together, and
# nothing holds the colors. Lower blocks and heavier content, attention and adversarial terms put that right but for
# a drift of 2.2 levels in an image's mean color, which the color term brings down to 0.8. Both kinds of terms that
# ask for texture also ask for a grid of 4 pixels (`grid_loss`), so that term has to be heavy. It takes texture away
# with the grid; the texture term gives as much back.
LITE_ATTENTION = LossWeights(
    perceptual=2.0, adversarial=0.1, attention=1.0, content=1.0, color=5.0, texture=60.0, grid=200.0
)
LITE_NO_ATTENTION = replace(LITE_ATTENTION, attention=0.0)

SYSTEMS: dict[str, System] = {
    row.name: row
    for row in (
        System("esrgan", ESRGAN, PAPER, VGGDiscriminator, {}, NO_ATTENTION),
        System("fasrgan", FASRGAN, PAPER, UNetDiscriminator, {}, ATTENTION),
        System("fs-srgan", FsSRGAN, PAPER, VGGDiscriminator, {}, NO_ATTENTION),
        System("fa-fs-srgan", FAFsSRGAN, PAPER, UNetDiscriminator, {}, ATTENTION),
        System("srgan", SRGAN, PAPER, VGGDiscriminator, {}, NO_ATTENTION),
        System("srgan-fa", SRGANFA, PAPER, UNetDiscriminator, {}, ATTENTION),
        System("srgan-fs", SRGANFs, PAPER, VGGDiscriminator, {}, NO_ATTENTION),
        System("esrgan-lite", ESRGAN, LITE_RRDB, VGGDiscriminator, LITE_VGG, LITE_NO_ATTENTION, "lite"),
        System("fasrgan-lite", FASRGAN, LITE_RRDB, UNetDiscriminator, LITE_UNET, LITE_ATTENTION, "lite"),
        System("fs-srgan-lite", FsSRGAN, LITE_RRDB_FS, VGGDiscriminator, LITE_VGG, LITE_NO_ATTENTION, "lite"),
        System(
            "fa-fs-srgan-lite",
            FAFsSRGAN,
            LITE_RRDB_FAFS,
            UNetDiscriminator,
            LITE_UNET,
            LITE_ATTENTION,
            "lite",
        ),
        System("srgan-lite", SRGAN, LITE_RESNET, VGGDiscriminator, LITE_VGG, LITE_NO_ATTENTION, "lite"),
        System("srgan-fa-lite", SRGANFA, LITE_RESNET, UNetDiscriminator, LITE_UNET, LITE_ATTENTION, "lite"),
        System(
            "srgan-fs-lite", SRGANFs, LITE_RESNET_FS, VGGDiscriminator, LITE_VGG, LITE_NO_ATTENTION, "lite"
        ),
    )
}


def system(name: str) -> System:
    """The row of that name; UserError lists the names otherwise."""
    try:
        return SYSTEMS[name]
    except KeyError:
        raise UserError(f"there is no system '{name}'; there are {', '.join(SYSTEMS)}") from None


def from_pretrained(name: str | Path, **download: Any) -> Generator:
    """Load any generator of this package; its config.json says which class it is.

    Args:
        name: a bundled model, a local folder or a Hub id.
        download: `revision`, `token`, `cache_dir`, `local_files_only`, ... as in `FASRGAN.from_pretrained`.

    Returns: the generator in eval mode, (N, 3, H, W) in [0, 1] -> (N, 3, 4H, 4W), not clamped.
    """
    saved = read_config(name, **download).get("_model_class")
    classes = {row.generator.__name__: row.generator for row in SYSTEMS.values()}
    if saved not in classes:
        raise UserError(f"'{name}' holds {saved or 'no class'}, which is none of {', '.join(classes)}")
    return classes[saved].from_pretrained(name, **download)
