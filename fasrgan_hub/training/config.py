"""The whole configuration of a training run, as one dataclass that is also its command line.

The defaults are the paper's (Section IV-A); the rows of `systems.py` say where a system's recipe differs. A run
writes its configuration to RUN/config.json, and the model card carries it.
"""

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ..data.sources import FORMS
from ..errors import UserError
from ..systems import SYSTEMS, System, system
from .presets import PRESETS, listing

STAGES = ("psnr", "gan")


def _option(help: str, default: Any = MISSING, free: bool = False) -> Any:
    """A field with its help; `free` fields may change when a run is resumed, the others shape its result."""
    return field(default=default, metadata={"help": help, "free": free})


@dataclass(frozen=True)
class TrainConfig:
    """Every choice of a run. Sizes in pixels of the HR picture, durations in steps (one batch each)."""

    system: str = _option("row of the table of systems, such as fasrgan or fasrgan-lite")
    data: str = _option(f"training pictures: {FORMS}")
    output: str = _option("folder of the run", free=True)
    stage: str = _option("psnr (L1 alone) or gan (the system's losses)", "gan")
    steps: int = _option("the step at which the stage ends, counted from its start", 500_000, free=True)
    seed: int = _option("of initialisation, shuffling and crops", 0)
    init: str = _option("generator to start from: a bundled model, a folder or a Hub id ('': random)", "")
    init_discriminator: str = _option("model whose discriminator to start from ('': random)", "")

    generator: str = _option("changes to the generator's arguments: blocks=15,shared_blocks=2", "")
    discriminator: str = _option("changes to the discriminator's arguments: norm=none,crop=0", "")
    losses: str = _option("changes to the loss weights of Eq. 9: attention=0.05", "")

    batch: int = _option("crops in a step, over all processes", 16)
    accumulate: int = _option(
        "micro-batches that a process cuts its share of a batch into, to save memory", 1
    )
    crop: int = _option("side of the HR crops in pixels", 192)
    crops_per_picture: int = _option("crops cut from a picture each time it is decoded", 16)
    window: int = _option("decoded pictures held and visited in turn; few make batches alike", 64)
    detail: int = _option("positions drawn for each crop, the one with most contrast wins; 1 is uniform", 1)
    workers: int = _option("data processes", 0, free=True)

    lr: float = _option("learning rate of Adam(0.9, 0.999), generator and discriminator", 1e-4)
    halve_every: int = _option("halve the learning rate every so many steps (0: never)", 200_000)
    halve_at: str = _option("and at these steps, separated by commas: 50000,100000,200000,300000", "")
    cosine_steps: int = _option("instead let it fall to 0 along a half cosine of so many steps (0: no)", 0)
    warmup: int = _option("steps over which the learning rate rises from 0", 0)
    ema: float = _option("decay of the averaged networks that are saved and scored (0: none)", 0.0)
    clip: float = _option("largest norm of a gradient, generator and discriminator apart (0: no limit)", 0.0)
    r1: float = _option("weight of the gradient penalty R1 on HR pictures (0: none)", 0.0)
    d_every: int = _option("generator steps to one step of the discriminator", 1)
    sync_norm: bool = _option("batch norm over the whole batch, not each process's share", False)
    precision: str = _option("'bf16' (autocast) or 'no' (f32)", "no")
    compile: bool = _option("torch.compile the networks (on the CPU in f32 alone)", False, free=True)
    recompute: bool = _option(
        "save memory: recompute the generator's activations for gradients", False, free=True
    )
    perceptual: str = _option("feature network of Eq. 4: vgg19, vgg16 or auto", "auto")
    perceptual_blocks: str = _option("its blocks that are compared, with weights; 5=1 is conv5_4", "5=1")

    validation: str = _option("benchmarks to score: NAME=HR_DIR[,LR_DIR];... ('': none)", "", free=True)
    metrics: str = _option("what to score, separated by commas", "psnr,ssim", free=True)
    validate_every: int = _option("steps between validations", 5_000, free=True)
    checkpoint_every: int = _option("steps between checkpoints", 5_000, free=True)
    keep: int = _option("checkpoints to keep", 2, free=True)
    patience: int = _option(
        "steps in a row that may be skipped as not finite before the run stops", 20, free=True
    )
    log_every: int = _option("steps between lines of log.jsonl", 50, free=True)
    tracker: str = _option(
        "trackio, tensorboard, wandb, several with commas, none, or auto: trackio if installed",
        "auto",
        free=True,
    )
    note: str = _option("the data's origin and licence in words, for the model card", "", free=True)

    def __post_init__(self) -> None:
        try:
            self.system_row()
            if not all(isinstance(weight, int | float) for weight in changes(self.losses).values()):
                raise TypeError("weights are numbers")
        except TypeError as error:
            raise UserError(f"losses is '{self.losses}': {error}") from error
        if self.stage not in STAGES:
            raise UserError(f"there is no stage '{self.stage}'; there are {', '.join(STAGES)}")
        if self.perceptual not in ("vgg19", "vgg16", "auto"):
            raise UserError(f"perceptual is '{self.perceptual}'; it must be vgg19, vgg16 or auto")
        try:
            weights = self.perceptual_weights()
        except ValueError:
            weights = {}
        if not weights or not set(weights) <= {1, 2, 3, 4, 5}:
            raise UserError(
                f"perceptual_blocks is '{self.perceptual_blocks}'; write blocks from 1 to 5 with weights: 3=0.5,5=1"
            )
        if not 0 <= self.ema < 1:
            raise UserError(f"ema is {self.ema}; it must be at least 0 and below 1")
        if not all(part.isdecimal() for part in filter(None, self.halve_at.split(","))):
            raise UserError(f"halve_at is '{self.halve_at}'; write steps separated by commas")
        if 0 < self.cosine_steps < self.steps:
            raise UserError(
                f"the cosine ends at step {self.cosine_steps}, before the stage does ({self.steps})"
            )
        if self.precision not in ("no", "bf16"):
            raise UserError(f"precision is '{self.precision}'; it must be no or bf16")
        if self.compile and self.r1:
            raise UserError(
                "--compile cannot take the gradient of a gradient, which --r1 needs; leave it out or add --r1 0"
            )
        if self.crop % 4 or self.crop < 16:
            raise UserError(f"crop is {self.crop}; it must be a multiple of 4 and at least 16")
        positive = (
            "steps",
            "batch",
            "accumulate",
            "crops_per_picture",
            "window",
            "detail",
            "lr",
            "keep",
            "d_every",
            "patience",
        )
        for name in (*positive, "validate_every", "checkpoint_every", "log_every"):
            if not 0 < getattr(self, name) < math.inf:
                raise UserError(f"{name} is {getattr(self, name)}; it must be positive")
        for name in ("seed", "workers", "halve_every", "cosine_steps", "warmup", "clip", "r1"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UserError(f"{name} is {getattr(self, name)}; it must not be negative")

    def system_row(self) -> System:
        """The row of the table of systems with this run's changes."""
        row = system(self.system)
        return replace(
            row,
            generator_args=row.generator_args | changes(self.generator),
            discriminator_args=row.discriminator_args | changes(self.discriminator),
            losses=replace(row.losses, **changes(self.losses)),
        )

    def perceptual_weights(self) -> dict[int, float]:
        """The weight of each block that Eq. 4 compares."""
        return {int(block): float(weight) for block, weight in changes(self.perceptual_blocks).items()}

    @classmethod
    def preset(cls, chosen: dict[str, Any]) -> "TrainConfig":
        """The paper's values, then the system's recipe for the stage, then what was `chosen`."""
        stage = chosen.get("stage", "gan")
        return cls(**{**system(chosen["system"]).recipe.get(stage, {}), **chosen})

    @classmethod
    def resumed(cls, run: Path, chosen: dict[str, Any]) -> "TrainConfig":
        """The configuration of the run in folder `run`, with new values for free fields alone."""
        saved = cls.load(run)
        for option in fields(cls):
            name = option.name
            if name in chosen and not option.metadata["free"] and chosen[name] != getattr(saved, name):
                raise UserError(
                    f"this run was begun with {name} = {getattr(saved, name)}; a resumed run keeps it. "
                    "Begin a new run (--init takes this one's model) to change it"
                )
        return cls(**{**asdict(saved), **chosen})

    @classmethod
    def load(cls, run: Path) -> "TrainConfig":
        try:
            return cls(**json.loads((run / "config.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise UserError(f"'{run}' holds no run that can be resumed: {error}") from error

    def save(self) -> None:
        path = Path(self.output) / "config.json"
        partial = path.with_name(".config.json.partial")
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        partial.replace(path)


def changes(text: str) -> dict[str, Any]:
    """ "blocks=15,norm=none" -> {"blocks": 15, "norm": "none"}."""
    result: dict[str, Any] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not equals:
            raise UserError(f"'{part}' is no change; write name=value, separated by commas")
        try:
            result[name.strip()] = json.loads(value)
        except ValueError:
            result[name.strip()] = value.strip()
    return result


def boolean(word: str) -> bool:
    """ "true" or "false", in any case."""
    if word.lower() not in ("true", "false"):
        raise ValueError
    return word.lower() == "true"


def parse(arguments: Sequence[str] | None = None) -> tuple[TrainConfig, bool]:
    """The configuration that the command line asks for, and whether it resumes a run."""
    parser = argparse.ArgumentParser(
        description="Train a system of the paper, stage by stage. Defaults are those of the paper's adversarial stage; "
        "--stage psnr and the lite systems have their own, which a run's config.json tells."
    )
    for option in fields(TrainConfig):
        switch: dict[str, Any] = {"nargs": "?", "const": True} if option.type is bool else {}
        parser.add_argument(
            f"--{option.name.replace('_', '-')}",
            **switch,
            type=boolean if option.type is bool else option.type,
            default=argparse.SUPPRESS,
            choices=list(SYSTEMS) if option.name == "system" else None,
            help=option.metadata["help"] + ("" if option.default is MISSING else f" [{option.default!r}]"),
        )
    parser.add_argument("--resume", choices=["latest"], help="go on from the last checkpoint of --output")
    parser.add_argument(
        "--preset", choices=list(PRESETS), metavar="NAME", help="a run of the paper, see --list"
    )
    parser.add_argument("--list", action="store_true", help="print the presets and stop")
    chosen = vars(parser.parse_args(arguments))
    resume = chosen.pop("resume") == "latest"
    if chosen.pop("list"):
        print(listing())
        parser.exit()
    chosen = PRESETS.get(chosen.pop("preset"), {}) | chosen
    needed = ["output"] if resume else ["system", "data", "output"]
    for name in needed:
        if name not in chosen:
            parser.error(f"--{name} is needed")
    if resume:
        return TrainConfig.resumed(Path(chosen["output"]), chosen), True
    return TrainConfig.preset(chosen), False
