"""The whole configuration of a training run: nested dataclasses that are also its command line and its YAML file.

The defaults are the paper's (Section IV-A); `recipes.py` says where a system's recipe differs. A run writes its
configuration to RUN/config.yaml, and the model card shows it.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..data.degradations import read_mixture
from ..errors import UserError
from ..hub.model_files import SCALE
from ..images.atomic import replace_file
from ..losses import LossWeights
from ..models.generators import SCALES, cell_side
from ..systems import System, system
from .nested import plain, to_yaml


@dataclass(frozen=True)
class DataConfig:
    """Training data: where images come from and how crops are drawn."""

    source: str
    """training images: folder:DIR, pairs:LR_DIR,HR_DIR, div2k, zip:FILE, tar:FILE, parquet:FILE, hub:ORG/NAME,
    rendered: (drawn pages), or several with shares: folder:A=0.8;rendered:=0.2"""
    crop: int = 192
    """side of the HR crops, in pixels; a multiple of 4, at scale 3 of 3"""
    batch: int = 16
    """crops in a step, over all processes"""
    crops_per_image: int = 16
    """crops cut from an image each time it is decoded"""
    shuffle_buffer: int = 64
    """decoded images held and visited in turn; few make batches alike"""
    crop_candidates: int = 1
    """positions drawn for each crop; the one with most contrast is taken, and 1 is uniform"""
    degradation: str = "clean"
    """how LR is made of HR: clean, web, camera, real, a YAML file, or shares of them: clean=0.3,web=0.5,real=0.2"""
    workers: int = 0
    """data processes beside each training process"""
    note: str = ""
    """the data's origin and license in words, for the model card"""


@dataclass(frozen=True)
class StartConfig:
    """What the run starts from."""

    init: str = ""
    """generator to start from: a bundled model, a folder or a Hub id; empty for random weights"""
    init_blocks: tuple[int, ...] = ()
    """residual blocks of `init` to keep, counted from 0, if it is deeper: [0,4,8,12,17,22]; none given keeps all"""
    init_discriminator: str = ""
    """model whose discriminator to start from; empty for random weights"""


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam with betas 0.9 and 0.999 for generator and discriminator, its learning rate, and what steadies it."""

    lr: float = 1e-4
    """learning rate of both networks"""
    halve_every: int = 200_000
    """steps after which the learning rate is halved, again and again; 0 for never"""
    halve_at: tuple[int, ...] = ()
    """steps at which the learning rate is halved besides: [50000,100000]"""
    cosine_steps: int = 0
    """steps over which the learning rate falls to 0 along a half cosine instead; 0 for no cosine"""
    warmup: int = 0
    """steps over which the learning rate rises from 0"""
    accumulate: int = 1
    """micro-batches into which a process cuts its share of a batch, to save memory"""
    clip: float = 0.0
    """largest norm of a gradient, for each network apart; 0 for no limit"""
    r1: float = 0.0
    """weight of the gradient penalty R1 on HR images; 0 for none"""
    d_every: int = 1
    """generator steps to one discriminator step"""
    ema: float = 0.0
    """decay of the exponential moving average (EMA) of the weights, which is scored and saved; 0 for none"""
    sync_norm: bool = False
    """batch norm over the whole batch instead of each process's share; needs GPUs"""
    patience: int = 20
    """steps in a row that may be skipped as not finite before the run stops"""


@dataclass(frozen=True)
class PerceptualConfig:
    """The perceptual loss (Eq. 4)."""

    network: Literal["auto", "vgg19", "vgg16"] = "auto"
    """network whose features are compared; auto is vgg19, or vgg16 where vgg19 cannot be had"""
    block_weights: dict[int, float] = field(default_factory=lambda: {5: 1.0})
    """weight of each block from 1 to 5 that is compared; 5 alone is the paper's conv5_4"""


@dataclass(frozen=True)
class BenchmarkFolders:
    """Images to score."""

    hr: str
    """folder of the original images"""
    lr: str | None = None
    """folder of their LR images; MATLAB's bicubic of the originals where there is none"""


@dataclass(frozen=True)
class ValidationConfig:
    """Scores on benchmarks during training."""

    benchmarks: dict[str, BenchmarkFolders] = field(default_factory=dict)
    """benchmarks by name, each with its folders hr and lr: --validation.benchmarks.Set5.hr DIR"""
    metrics: tuple[str, ...] = ("psnr", "ssim")
    """what to score: [psnr,ssim,lpips]"""
    every: int = 5_000
    """steps between two validations"""


@dataclass(frozen=True)
class CheckpointConfig:
    """Checkpoints, which a run is resumed from."""

    every: int = 5_000
    """steps between two checkpoints"""
    minutes: float = 10.0
    """minutes after which there is a new one, however few steps they were; 0 for no limit"""
    keep: int = 2
    """newest checkpoints that are kept"""


@dataclass(frozen=True)
class LoggingConfig:
    """Where losses and scores go: always to log.jsonl, and to trackers."""

    every: int = 50
    """steps between two lines of log.jsonl"""
    trackers: tuple[str, ...] = ("auto",)
    """[trackio,tensorboard,wandb] or some of them, [] for none; [auto] is trackio where it is installed"""


@dataclass(frozen=True)
class TrainConfig:
    """The run. Sizes are in pixels of the HR image, durations in steps of one batch each."""

    system: str
    """row of the table of systems, such as fasrgan or fasrgan-lite"""
    output: str
    """folder of the run"""
    data: DataConfig
    stage: Literal["psnr", "gan"] = "gan"
    """psnr (L1 alone) or gan (the losses of the system)"""
    steps: int = 500_000
    """step at which the stage ends, counted from its start"""
    seed: int = 0
    """of initialization, shuffling and crops"""
    precision: Literal["no", "bf16"] = "no"
    """bf16 (autocast) or no (f32)"""
    compile: bool = False
    """torch.compile the networks; on the CPU in f32 alone"""
    gradient_checkpointing: bool = False
    """keep less of the generator's activations and compute them again for the gradients, to save memory"""
    generator: dict[str, Any] = field(default_factory=dict)
    """arguments of the generator that differ from the system's: --generator.blocks 15, --generator.scale 2"""
    discriminator: dict[str, Any] = field(default_factory=dict)
    """arguments of the discriminator that differ from the system's: --discriminator.norm none"""
    start: StartConfig = field(default_factory=StartConfig)
    losses: LossWeights = field(default_factory=LossWeights)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    perceptual: PerceptualConfig = field(default_factory=PerceptualConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    checkpoints: CheckpointConfig = field(default_factory=CheckpointConfig)
    logging: LoggingConfig = field(default_factory=LoggingConfig)

    def __post_init__(self) -> None:
        system(self.system)
        read_mixture(self.data.degradation)
        for name, values in CHOICES.items():
            _require(self[name] in values, name, self[name], f"it must be one of {', '.join(values)}")
        for name in POSITIVE:
            _require(0 < self[name] < math.inf, name, self[name], "it must be positive")
        for name in NOT_NEGATIVE:
            _require(0 <= self[name] < math.inf, name, self[name], "it must not be negative")
        for name, weight in asdict(self.losses).items():
            _require(math.isfinite(weight), f"losses.{name}", weight, "it must be finite")
        _require(0 <= self.optimizer.ema < 1, "optimizer.ema", self.optimizer.ema, "it must be below 1")
        _require(
            self.scale in SCALES,
            "generator.scale",
            self.scale,
            f"it must be one of {', '.join(map(str, SCALES))}",
        )
        crop, blocks = self.data.crop, self.perceptual.block_weights
        _require(
            crop % self.cell == 0 and crop >= 16,
            "data.crop",
            crop,
            f"it must be a multiple of {self.cell} and at least 16, such as {max(24, crop - crop % self.cell)}",
        )
        _require(
            bool(blocks) and set(blocks) <= {1, 2, 3, 4, 5},
            "perceptual.block_weights",
            blocks,
            "blocks are 1 to 5, each with its weight: '{3: 0.5, 5: 1}'",
        )
        for name, least in SMALLEST_CROP.items():
            fits = crop >= least or not self[name]
            _require(fits, "data.crop", crop, f"it must be at least {least} for {name}")
        for name in self.validation.benchmarks:
            _require(" " not in name, "validation.benchmarks", name, "a name must have no space")
        self._require_partners()

    def _require_partners(self) -> None:
        """Raise UserError for a field that does not go with another."""
        if self.losses.artefact and not self.optimizer.ema:
            raise UserError("losses.artefact compares with the EMA; add --optimizer.ema 0.999, for one")
        if self.start.init_blocks and not self.start.init:
            raise UserError("start.init_blocks needs --init, the generator whose blocks are kept")
        if 0 < self.optimizer.cosine_steps < self.steps:
            raise UserError(
                f"the cosine ends at step {self.optimizer.cosine_steps}, before the stage does ({self.steps})"
            )
        if self.optimizer.r1 and (self.compile or self.optimizer.sync_norm):
            option = "--compile" if self.compile else "--optimizer.sync_norm"
            raise UserError(
                f"{option} cannot take the gradient of a gradient, which R1 needs; leave it out or add "
                "--optimizer.r1 0"
            )

    def __getitem__(self, path: str) -> Any:
        """The value of a field by its path: config["data.crop"]."""
        value: Any = self
        for name in path.split("."):
            value = getattr(value, name)
        return value

    def paths(self) -> Iterator[str]:
        """The paths of all fields: "steps", "data.crop", ..."""
        for option in fields(self):
            group = getattr(self, option.name)
            inner = [f"{option.name}.{part.name}" for part in fields(group)] if is_dataclass(group) else []
            yield from inner or [option.name]

    @property
    def scale(self) -> Any:
        """How many times the generator enlarges."""
        return (system(self.system).generator_args | self.generator).get("scale", SCALE)

    @property
    def cell(self) -> int:
        """Side of the generator's cells in HR pixels; see `cell_side`."""
        return cell_side(self.scale)

    def system_row(self) -> System:
        """The row of the table of systems with this run's arguments and loss weights."""
        row = system(self.system)
        return replace(
            row,
            generator_args=row.generator_args | self.generator,
            discriminator_args=row.discriminator_args | self.discriminator,
            losses=self.losses,
        )

    def save(self) -> None:
        """Write RUN/config.yaml, whole or not at all."""
        with replace_file(Path(self.output) / FILE) as file:
            file.write(to_yaml(plain(self)).encode())


FILE = "config.yaml"
"""Name of the configuration in the folder of a run."""

CHOICES = {
    "stage": ("psnr", "gan"),
    "precision": ("no", "bf16"),
    "perceptual.network": ("auto", "vgg19", "vgg16"),
}
POSITIVE = (
    *("steps", "data.batch", "data.crops_per_image", "data.shuffle_buffer", "data.crop_candidates"),
    *("optimizer.lr", "optimizer.accumulate", "optimizer.d_every", "optimizer.patience"),
    *("validation.every", "checkpoints.every", "checkpoints.keep", "logging.every"),
)
NOT_NEGATIVE = (
    *("seed", "data.workers", "optimizer.halve_every", "optimizer.cosine_steps", "optimizer.warmup"),
    *("optimizer.clip", "optimizer.r1", "checkpoints.minutes"),
)
SMALLEST_CROP = {"losses.lpips": 36, "losses.dists": 20}
FREE = (
    *("output", "steps", "compile", "gradient_checkpointing", "data.workers", "data.note"),
    *("optimizer.patience", "validation", "checkpoints", "logging"),
)
"""Fields and groups that may change when a run is resumed; the others shape its result."""


def is_free(path: str) -> bool:
    """Whether the field may change when a run is resumed."""
    return path in FREE or path.split(".")[0] in FREE


def _require(fits: bool, name: str, value: Any, problem: str) -> None:
    if not fits:
        raise UserError(f"{name} is {value}; {problem}")
