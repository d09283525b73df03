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
from .config_groups import (
    CheckpointConfig,
    DataConfig,
    LoggingConfig,
    OptimizerConfig,
    PerceptualConfig,
    StartConfig,
    TeacherConfig,
    ValidationConfig,
)
from .nested import plain, to_yaml


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
    teacher: TeacherConfig = field(default_factory=TeacherConfig)
    losses: LossWeights = field(default_factory=LossWeights)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    perceptual: PerceptualConfig = field(default_factory=PerceptualConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    checkpoints: CheckpointConfig = field(default_factory=CheckpointConfig)
    logging: LoggingConfig = field(default_factory=LoggingConfig)

    def __post_init__(self) -> None:
        system(self.system)
        read_mixture(self.data.degradation)
        if self.scale not in SCALES:
            options = ", ".join(map(str, SCALES))
            raise UserError(f"generator.scale is {self.scale}; it must be one of {options}")
        for name, values in CHOICES.items():
            self._require(name, self[name] in values, f"it must be one of {', '.join(values)}")
        for name in POSITIVE:
            self._require(name, 0 < self[name] < math.inf, "it must be positive")
        for name in NOT_NEGATIVE:
            self._require(name, 0 <= self[name] < math.inf, "it must not be negative")
        for name, weight in asdict(self.losses).items():
            self._require(f"losses.{name}", math.isfinite(weight), "it must be finite")
        self._require("optimizer.ema", 0 <= self.optimizer.ema < 1, "it must be below 1")
        crop, blocks = self.data.crop, self.perceptual.block_weights
        example = max(24, crop - crop % self.cell)
        problem = f"it must be a multiple of {self.cell} and at least 16, such as {example}"
        self._require("data.crop", crop % self.cell == 0 and crop >= 16, problem)
        for name, least in SMALLEST_CROP.items():
            self._require(
                "data.crop", crop >= least or not self[name], f"it must be at least {least} for {name}"
            )
        problem = "blocks are 1 to 5, each with its weight: '{3: 0.5, 5: 1}'"
        self._require("perceptual.block_weights", bool(blocks) and set(blocks) <= {1, 2, 3, 4, 5}, problem)
        spaces = any(" " in name for name in self.validation.benchmarks)
        self._require("validation.benchmarks", not spaces, "a name must have no space")
        self._require_partners()

    def _require(self, name: str, fits: bool, problem: str) -> None:
        if not fits:
            raise UserError(f"{name} is {self[name]}; {problem}")

    def _require_partners(self) -> None:
        """Raise UserError for a field that does not go with another."""
        if self.start.init_blocks and not self.start.init:
            raise UserError("start.init_blocks needs --init, the generator whose blocks are kept")
        self._check_teacher()
        if 0 < (end := self.optimizer.cosine_steps) < self.steps:
            raise UserError(f"the cosine ends at step {end}, before the stage does ({self.steps})")
        if self.optimizer.r1 and (self.compile or self.optimizer.sync_norm):
            option = "--compile" if self.compile else "--optimizer.sync_norm"
            problem = "cannot take the gradient of a gradient, which R1 needs"
            raise UserError(f"{option} {problem}; leave it out or add --optimizer.r1 0")

    def _check_teacher(self) -> None:
        teacher, degradation = self.teacher, self.data.degradation
        self._require("teacher.until", 0 < teacher.until <= 1, "it must be above 0 and at most 1")
        if teacher.results and (teacher.model or teacher.cache):
            other = "model" if teacher.model else "cache"
            raise UserError(f"teacher.results and teacher.{other} exclude each other")
        if teacher.results and not read_mixture(degradation).is_clean:
            raise UserError(
                f"teacher.results belong to fixed LR images; data.degradation {degradation} draws others: name the "
                "model with --teacher.model instead, or fixed LR images with --data pairs:"
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
    *("optimizer.clip", "optimizer.r1", "optimizer.d_init_steps", "checkpoints.minutes"),
)
SMALLEST_CROP = {"losses.lpips": 36, "losses.dists": 20}
FREE = (
    *("output", "steps", "compile", "gradient_checkpointing", "data.workers", "data.note"),
    *("start.base_model", "start.license"),
    *("optimizer.patience", "validation", "checkpoints", "logging"),
)
"""Fields and groups that may change when a run is resumed; the others shape its result."""


def is_free(path: str) -> bool:
    """Whether the field may change when a run is resumed."""
    return path in FREE or path.split(".")[0] in FREE
