"""What a stage starts from: its networks, random or those of a model."""

from collections.abc import Sequence

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ..backbones import PerceptualFeatures
from ..errors import UserError
from ..hub.mixin import mismatches
from ..hub.model_files import DISCRIMINATOR, SCALE
from ..models.discriminators import Discriminator
from ..models.generators import Generator
from ..systems import from_pretrained
from .adversarial_stage import AdversarialStage
from .config import TrainConfig
from .pixel_stage import PixelStage


def build_stage(config: TrainConfig, accelerator: Accelerator) -> PixelStage:
    """The stage of `config` at its first step, on the device of `accelerator`.

    Raises UserError for arguments that do not describe a network, weights that do not fit it, and what the device
    cannot do.
    """
    if accelerator.device.type == "cpu":
        _refuse_on_cpu(config)
    generator = initial_generator(config)
    if config.gradient_checkpointing:
        generator.enable_gradient_checkpointing()
    if config.stage == "psnr":
        return PixelStage(config, accelerator, generator)
    discriminator = initial_discriminator(config, generator)
    if config.optimizer.sync_norm:
        discriminator = nn.SyncBatchNorm.convert_sync_batchnorm(discriminator)
    features = PerceptualFeatures(config.perceptual.network, config.perceptual.block_weights)
    return AdversarialStage(config, accelerator, generator, discriminator, features)


def _refuse_on_cpu(config: TrainConfig) -> None:
    if config.compile and config.precision == "bf16":
        raise UserError(
            "--compile with --precision bf16 loses gradients on the CPU; leave one of them out "
            "(bf16 alone is the faster)"
        )
    if config.optimizer.sync_norm:
        raise UserError(
            "--optimizer.sync_norm needs GPUs; leave it out on the CPU, or choose --discriminator.norm none"
        )


def initial_generator(config: TrainConfig) -> Generator:
    """The generator that the stage starts from: random, or the weights of `config.start.init`."""
    try:
        generator = config.system_row().build_generator()
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"generator is {config.generator}: {error}") from error
    if generator.scale != SCALE:
        raise UserError(
            f"generator.scale is {generator.scale}; LR crops for training are made for {SCALE} only"
        )
    if name := config.start.init:
        start = from_pretrained(name)
        weights = start.state_dict()
        if config.start.init_blocks:
            weights = kept_blocks(weights, config.start.init_blocks, name)
        if generator.extractor is not None and start.extractor is None:
            weights = shared_weights(weights, len(generator.extractor.body))
        _start_from(generator, weights, name, config.system)
    return generator


def kept_blocks(start: dict[str, Tensor], blocks: Sequence[int], name: str) -> dict[str, Tensor]:
    """The weights of a generator without its other residual blocks.

    The skips around the blocks make that a mild change: training takes up what the missing blocks did.

    Args:
        start: the weights of a generator without sharing.
        blocks: the blocks to keep, counted from 0, in increasing order.
        name: of the generator, for errors.

    Raises UserError for blocks that it does not have, and for a generator with a shared extractor.
    """
    if any(key.startswith("extractor.") for key in start):
        raise UserError(
            f"start.init_blocks cannot choose among the blocks of '{name}': it has a shared extractor"
        )
    depth = 1 + max(int(key.split(".")[1]) for key in start if key.startswith("body."))
    if list(blocks) != sorted(set(blocks)) or not 0 <= blocks[0] <= blocks[-1] < depth:
        raise UserError(
            f"start.init_blocks is {list(blocks)}; '{name}' has the blocks 0 to {depth - 1}, and those to keep are "
            "named in increasing order"
        )
    weights = {}
    for key, tensor in start.items():
        part, _, rest = key.partition(".")
        if part == "body":
            index, _, rest = rest.partition(".")
            if int(index) not in blocks:
                continue
            key = f"body.{blocks.index(int(index))}.{rest}"
        weights[key] = tensor
    return weights


def shared_weights(start: dict[str, Tensor], shared: int) -> dict[str, Tensor]:
    """The weights of a generator without sharing for one whose extractor has `shared` of the blocks.

    The first blocks become the extractor's, E(x) = f + body(f) with f the first convolution's features; the
    generator halves that and goes on with the other blocks. The result is near that of `start`, and some hundred
    steps of L1 bring it nearer.
    """
    identity = torch.nn.init.dirac_(torch.zeros_like(start["conv_body.weight"]))
    zero = torch.zeros_like(start["conv_body.bias"])
    weights = {"extractor.conv_body.weight": identity, "extractor.conv_body.bias": zero}
    weights |= {"conv_first.weight": identity / 2, "conv_first.bias": zero}
    for name, tensor in start.items():
        part, index, *inner = name.split(".")
        if part == "body" and int(index) >= shared:
            weights[".".join((part, str(int(index) - shared), *inner))] = tensor
        elif part in ("conv_first", "body"):
            weights[f"extractor.{name}"] = tensor
        else:
            weights[name] = tensor
    return weights


def initial_discriminator(config: TrainConfig, generator: Generator) -> Discriminator:
    """The discriminator for `generator`: random, or the one of the model `config.start.init_discriminator`."""
    try:
        discriminator = config.system_row().build_discriminator(generator, config.data.crop)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"discriminator is {config.discriminator}, crop {config.data.crop}: {error}"
        ) from error
    if name := config.start.init_discriminator:
        start = type(discriminator).from_pretrained(name, subfolder=DISCRIMINATOR)
        _start_from(discriminator, start.state_dict(), f"{name}/discriminator", config.system)
    return discriminator


def _start_from(network: nn.Module, weights: dict[str, Tensor], name: str, system: str) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        problems = "; ".join(mismatches(network.state_dict(), weights))
        raise UserError(f"the weights of '{name}' do not fit {system}: {problems}") from error
