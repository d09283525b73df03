"""What a stage starts from: random networks, or those of a model."""

import torch
from torch import Tensor, nn

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
        start = from_pretrained(name)
        shares = generator.extractor is not None and start.extractor is None
        weights = shared_weights(start, generator) if shares else start.state_dict()
        _start_from(generator, weights, name, config.system)
    return generator


def shared_weights(start: Generator, generator: Generator) -> dict[str, Tensor]:
    """The weights of `start`, which shares nothing, for a `generator` with a shared extractor.

    The first blocks become the extractor's, E(x) = f + body(f) with f the first convolution's features; the
    generator halves that and goes on with the other blocks. The result is near that of `start`, and some hundred
    steps of L1 bring it nearer.
    """
    shared = len(generator.extractor.body)
    identity = torch.zeros_like(generator.conv_first.weight)
    torch.nn.init.dirac_(identity)
    zero = torch.zeros_like(generator.conv_first.bias)
    weights = {}
    for name, tensor in start.state_dict().items():
        part, _, rest = name.partition(".")
        index, _, inner = rest.partition(".")
        if part == "conv_first":
            weights[f"extractor.{name}"] = tensor
        elif part == "body" and int(index) < shared:
            weights[f"extractor.{name}"] = tensor
        elif part == "body":
            weights[f"body.{int(index) - shared}.{inner}"] = tensor
        else:
            weights[name] = tensor
    weights |= {"extractor.conv_body.weight": identity, "extractor.conv_body.bias": zero}
    return weights | {"conv_first.weight": identity / 2, "conv_first.bias": zero}


def initial_discriminator(config: TrainConfig, generator: Generator) -> UNetDiscriminator | VGGDiscriminator:
    """The discriminator for `generator`: random, or the one of the model `config.init_discriminator`."""
    try:
        discriminator = config.system_row().build_discriminator(generator, config.crop)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"discriminator is '{config.discriminator}', crop {config.crop}: {error}") from error
    if name := config.init_discriminator:
        start = type(discriminator).from_pretrained(name, subfolder="discriminator")
        _start_from(discriminator, start.state_dict(), f"{name}/discriminator", config.system)
    return discriminator


def _start_from(network: nn.Module, weights: dict[str, Tensor], name: str, system: str) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(f"the weights of '{name}' do not fit {system}") from error
