"""What a stage starts from: its networks, random or those of a model."""

from collections.abc import Callable, Sequence

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ..backbones import PerceptualFeatures
from ..errors import UserError
from ..hub.mixin import mismatches
from ..hub.model_files import DISCRIMINATOR, model_files
from ..hub.origins import Origin, read_origin
from ..models.discriminators import Discriminator
from ..models.generators import Generator
from ..systems import from_pretrained
from .adversarial_stage import AdversarialStage
from .config import TrainConfig
from .config_groups import StartConfig
from .log import print_line
from .pixel_stage import PixelStage


def build_stage(config: TrainConfig, accelerator: Accelerator) -> PixelStage:
    """The stage of `config` at its first step, on the device of `accelerator`.

    Raises UserError for arguments that do not describe a network, weights that do not fit it, and what the device
    cannot do.
    """
    if accelerator.device.type == "cpu":
        _refuse_on_cpu(config)
    notify = print_line if accelerator.is_main_process else lambda line: None
    generator = initial_generator(config, notify)
    if config.gradient_checkpointing:
        generator.enable_gradient_checkpointing()
    if config.stage == "psnr":
        return PixelStage(config, accelerator, generator)
    discriminator = initial_discriminator(config, generator, notify)
    if config.optimizer.sync_norm:
        discriminator = nn.SyncBatchNorm.convert_sync_batchnorm(discriminator)
    features = PerceptualFeatures(config.perceptual.network, config.perceptual.block_weights)
    return AdversarialStage(config, accelerator, generator, discriminator, features)


def find_origin(start: StartConfig) -> Origin:
    """The origin of the generator that a run starts from: what the configuration says, then what its card says."""
    if not start.init:
        return Origin()
    origin = read_origin(model_files(start.init))
    base_model = (start.base_model,) if start.base_model else origin.base_model
    return Origin(base_model, start.license or origin.license, origin.notice)


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


def initial_generator(config: TrainConfig, notify: Callable[[str], None] = lambda line: None) -> Generator:
    """The generator that the stage starts from: random, or the weights of `config.start.init`.

    `notify` takes a line on what was changed in weights of another scale.
    """
    try:
        generator = config.system_row().build_generator()
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"generator is {config.generator}: {error}") from error
    if name := config.start.init:
        start = from_pretrained(name)
        weights = start.state_dict()
        if config.start.init_blocks:
            weights = kept_blocks(weights, config.start.init_blocks, name)
        if generator.extractor is not None and start.extractor is None:
            weights = shared_weights(weights, len(generator.extractor.body))
        if generator.scale != start.scale:
            weights, changes = rescaled_weights(start, weights, generator)
            notify(f"'{name}' enlarges by {start.scale}, this network by {generator.scale}: {changes}")
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


def rescaled_weights(
    start: Generator, weights: dict[str, Tensor], generator: Generator
) -> tuple[dict[str, Tensor], str]:
    """The weights of `start`, a generator of another scale, for `generator`, and what was changed, in words.

    Where a place of the trunk stands for more pixels than before, the first convolution takes their mean: a x2 network
    begins as the x4 one on an image shrunk by 2. Where it stands for fewer, it takes their sum. Upsampling
    convolutions that only one of the two networks has, or that have other shapes, are left out or stay random.
    """
    own, weights, changes = generator.state_dict(), dict(weights), []
    before, after = start.unshuffle, generator.unshuffle
    if before != after:
        weights["conv_first.weight"] = _regrouped(weights["conv_first.weight"], before, after)
        changes.append(f"conv_first takes {after} x {after} pixels instead of {before} x {before}")
    for name in ("conv_up1", "conv_up2"):
        shapes = [
            part[f"{name}.weight"].shape if f"{name}.weight" in part else None for part in (weights, own)
        ]
        if shapes[0] != shapes[1]:
            for key in (f"{name}.weight", f"{name}.bias"):
                weights.pop(key, None)
                weights |= {key: own[key]} if key in own else {}
            changes.append(f"{name} {'begins with random weights' if shapes[1] else 'is left out'}")
    return weights, ", ".join(changes)


def _regrouped(weight: Tensor, before: int, after: int) -> Tensor:
    """The weight of a convolution behind a pixel unshuffle by `before`, for one by `after`."""
    cells = weight.unflatten(1, (-1, before, before))
    if after > before:
        ratio = after // before
        cells = cells.repeat_interleave(ratio, 2).repeat_interleave(ratio, 3) / ratio**2
    else:
        ratio = before // after
        cells = cells.unflatten(3, (after, ratio)).unflatten(2, (after, ratio)).sum(dim=(3, 5))
    return cells.flatten(1, 3)


def initial_discriminator(
    config: TrainConfig, generator: Generator, notify: Callable[[str], None] = lambda line: None
) -> Discriminator:
    """The discriminator for `generator`: random, or the one of the model `config.start.init_discriminator`.

    `notify` takes a line if that one upsampled in another way, which its weights do not show.
    """
    try:
        discriminator = config.system_row().build_discriminator(generator, config.data.crop)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(
            f"discriminator is {config.discriminator}, crop {config.data.crop}: {error}"
        ) from error
    if name := config.start.init_discriminator:
        start = type(discriminator).from_pretrained(name, subfolder=DISCRIMINATOR)
        _start_from(discriminator, start.state_dict(), f"{name}/discriminator", config.system)
        before, after = (network.config.get("upsample", "paper") for network in (start, discriminator))
        if before != after:
            notify(
                f"'{name}/discriminator' has upsample '{before}', this one '{after}': the weights are the same"
            )
    return discriminator


def _start_from(network: nn.Module, weights: dict[str, Tensor], name: str, system: str) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        problems = "; ".join(mismatches(network.state_dict(), weights))
        raise UserError(f"the weights of '{name}' do not fit {system}: {problems}") from error
