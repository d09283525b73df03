"""`fasrgan train-error`: Train the error map of a model."""

from dataclasses import dataclass

from ...errors import UserError
from .options import argument, option, parse_count


@dataclass
class Options:
    model: str = argument("MODEL")
    """a bundled model, a folder or a Hub id"""
    data: str = option("SOURCE", required=True)
    """photographs, as for training: folder:DIR, div2k, zip:FILE, hub:ORG/NAME, ..."""
    output: str = option("DIR", "-o", required=True)
    """the folder of the model, or an empty one, which becomes a copy of it; difficulty/ is written into it,
    and a section into its README.md"""
    steps: int = option("N", default=1000, type=parse_count)
    """training steps (default: %(default)s)"""
    crops: int = option("N", default=1000, type=parse_count)
    """crops to cut from the photographs (default: %(default)s)"""
    degradation: str = option("MIXTURE", default="clean=0.4,web=0.2,camera=0.2,real=0.2")
    """how the small images are made (default: %(default)s)"""
    reference: str = option("MODEL", default="")
    """a bundled model or a Hub id: where its result of a clean image differs, one of the two is wrong; ranks pixels
    better and runs that model for each map (default: none)"""
    seed: int = option("N", default=0, type=parse_count)
    """of all that is drawn (default: 0)"""
    revision: str | None = option("R")
    """branch, tag or commit of a Hub id"""


def run(options: Options) -> int:
    """Teach a small network how wrong a model's results are, by photographs; it takes minutes on a CPU."""
    from ...data.degradations import read_mixture
    from ...training.error_training import ErrorTraining, train_error_map

    for name, least in (("steps", 1), ("crops", 2)):
        if getattr(options, name) < least:
            raise UserError(f"--{name} must be at least {least}")
    settings = ErrorTraining(
        steps=options.steps,
        crops=options.crops,
        degradation=read_mixture(options.degradation),
        reference=options.reference,
        seed=options.seed,
    )
    train_error_map(options.model, options.data, options.output, settings, options.revision)
    return 0
