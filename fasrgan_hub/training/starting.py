"""What a stage starts from: random networks, or those of a model."""

from torch import nn

from ..errors import UserError
from ..models.discriminators import UNetDiscriminator, VGGDiscriminator
from ..models.generators import Generator
from ..systems import from_pretrained
from .config import TrainConfig


def initial_generator(config: TrainConfig) -> Generator:
    """The generator that the stage starts from: random, or the weights of `config.init`."""
    try:
        generator = config.system_row().build_generator()
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"generator is '{config.generator}': {error}") from error
    if name := config.init:
        _start_from(generator, from_pretrained(name), name, config.system)
    return generator


def initial_discriminator(config: TrainConfig, generator: Generator) -> UNetDiscriminator | VGGDiscriminator:
    """The discriminator for `generator`: random, or the one of the model `config.init_discriminator`."""
    try:
        discriminator = config.system_row().build_discriminator(generator, config.crop)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"discriminator is '{config.discriminator}', crop {config.crop}: {error}") from error
    if name := config.init_discriminator:
        start = type(discriminator).from_pretrained(name, subfolder="discriminator")
        _start_from(discriminator, start, f"{name}/discriminator", config.system)
    return discriminator


def _start_from(network: nn.Module, start: nn.Module, name: str, system: str) -> None:
    try:
        network.load_state_dict(start.state_dict())
    except RuntimeError as error:
        raise UserError(f"the weights of '{name}' do not fit {system}") from error
