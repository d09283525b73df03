"""`fasrgan train-discriminator`: Train the discriminator of a model alone."""

from dataclasses import dataclass

from ...errors import UserError
from .options import argument, option, parse_count, repeated


@dataclass
class Options:
    model: str = argument("MODEL")
    """a bundled model, a folder or a Hub id"""
    data: str = option("SOURCE", required=True)
    """photographs, as for training: folder:DIR, div2k, zip:FILE, hub:ORG/NAME, ..."""
    output: str = option("DIR", "-o", required=True)
    """the folder of the model, or an empty one, which becomes a copy of it; discriminator/ is written into it,
    and a section into its README.md"""
    also: list[str] = repeated(
        "MODEL", help="another model whose results it learns to tell from photographs; may be repeated"
    )
    steps: int = option("N", default=1000, type=parse_count)
    """training steps (default: %(default)s)"""
    crops: int = option("N", default=1000, type=parse_count)
    """crops to cut from the photographs (default: %(default)s)"""
    degradation: str = option("MIXTURE", default="clean=0.7,web=0.1,camera=0.1,real=0.1")
    """how the small images are made (default: %(default)s)"""
    seed: int = option("N", default=0, type=parse_count)
    """of all that is drawn (default: 0)"""
    half: bool = False
    """store float16: half the size"""
    revision: str | None = option("R")
    """branch, tag or commit of a Hub id"""


def run(options: Options) -> int:
    """Teach the discriminator of a finished model to tell its results from photographs, for better maps."""
    from ...data.degradations import read_mixture
    from ...training.discriminator_training import DiscriminatorTraining, train_discriminator

    for name, least in (("steps", 1), ("crops", 2)):
        if getattr(options, name) < least:
            raise UserError(f"--{name} must be at least {least}")
    settings = DiscriminatorTraining(
        steps=options.steps,
        crops=options.crops,
        degradation=read_mixture(options.degradation),
        also=options.also,
        seed=options.seed,
        half=options.half,
    )
    train_discriminator(options.model, options.data, options.output, settings, options.revision)
    return 0
