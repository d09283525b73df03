"""The groups of `TrainConfig`. The text under a field is its help on the command line."""

from dataclasses import dataclass, field
from typing import Literal


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
    """how LR is made of HR: clean, web, camera, real, noise, a YAML file, or shares of them: clean=0.3,web=0.7"""
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
    base_model: str = ""
    """Hub id of the model that the weights of `init` are of, for the card; by default what the card of `init` says"""
    license: str = ""
    """license of these weights, such as bsd-3-clause, for the card; by default what the card of `init` says"""


@dataclass(frozen=True)
class TeacherConfig:
    """A network whose results the run learns from first (ECO, arXiv 2312.17526); see `teachers.py`."""

    model: str = ""
    """its name: a bundled model, a folder or a Hub id; empty for no teacher"""
    results: str = ""
    """folder of its results of the LR images instead, called as the training images are"""
    until: float = 0.75
    """share of the steps over which input and target go from its results to the truth"""
    inputs: Literal["blended", "kept"] = "blended"
    """blended: inputs go from the shrunk results to the LR images too, as ECO has it; kept: always the LR images,
    which a run on degraded images needs"""
    cache: str = ""
    """folder in which results are kept, by the content of the LR crop; of use where crops come again"""


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
    d_init_steps: int = 0
    """steps at the start in which the discriminator alone is trained, such as one for a finished generator"""
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
