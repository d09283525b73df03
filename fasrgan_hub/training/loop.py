"""Training as a story: set up, resume, then step by step train, log, save and validate."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, set_seed
from datasets.distributed import split_dataset_by_node
from torchdata.stateful_dataloader import StatefulDataLoader

from ..data.crops import CropStream
from ..data.degradations import read_mixture
from ..data.sources import open_source
from ..errors import OverwriteError, UserError
from .config import TrainConfig
from .degradation_copies import keep_copies
from .interruption import Interrupted, interruption, leave_signals_to_the_trainer
from .log import Progress
from .run_lock import only_run_in
from .starting import build_stage, find_origin
from .teachers import Enlarge, open_teacher
from .trackers import Trackers, accelerate_arguments
from .training_run import TrainingRun
from .validation import rehearse

LONGEST_WAIT = timedelta(hours=12)
"""How long processes wait for one that validates. Among GPUs it would be 10 minutes, after which the run ends."""


def train(config: TrainConfig, resume: bool = False, teacher: Enlarge | None = None) -> Path:
    """Run a stage to `config.steps` and return the folder of its model, RUN/model.

    The run folder holds config.yaml, log.jsonl (losses and scores by step), checkpoints/, samples/ and model/,
    which is complete at every checkpoint and opens with `from_pretrained`.

    Args:
        teacher: a module (N, 3, h, w) -> (N, 3, sh, sw) on [0, 1] instead of `config.teacher.model`. A run that began
            with one is resumed with the same.

    Raises UserError for a mistake in the configuration, and Interrupted after Ctrl-C, when a checkpoint is written.
    """
    accelerator = Accelerator(
        mixed_precision=config.precision,
        kwargs_handlers=[InitProcessGroupKwargs(timeout=LONGEST_WAIT)],
        **accelerate_arguments(config),
    )
    with only_run_in(Path(config.output), accelerator):
        run = set_up(config, accelerator, resume, teacher)
        with closing(run), interruption() as interrupted:
            while run.step < config.steps:
                run.train_step()
                stop, late = run.agree(interrupted.is_set(), run.checkpoint_is_late())
                if stop:  # before anything that can fail, such as a line for a closed pipe
                    run.save_checkpoint()
                    raise Interrupted(run.folder, run.step, accelerator.is_main_process)
                if run.is_due(config.logging.every):
                    run.log_losses()
                if late or run.is_due(config.checkpoints.every):
                    run.save_checkpoint()
                if run.is_due(config.validation.every):
                    run.validate()
        run.save_model()
        run.report_end()
    return run.folder / "model"


def set_up(
    config: TrainConfig, accelerator: Accelerator, resume: bool = False, teacher: Enlarge | None = None
) -> TrainingRun:
    """The run of `config` at its first step or, resumed, at its last checkpoint."""
    set_seed(config.seed)
    folder = Path(config.output)
    has_checkpoint = any((folder / "checkpoints").glob("step-*.pt"))
    if has_checkpoint and not resume:
        raise OverwriteError(f"'{folder}' already holds a run; add --resume latest or name another --output")
    rehearse(config.validation, config.scale)
    stage = build_stage(config, accelerator)
    loader = make_loader(config, accelerator)
    run = TrainingRun(config, accelerator, stage, loader)
    run.teacher = open_teacher(config, accelerator, teacher)
    run.origin = find_origin(config.start)
    run_name = run.load_checkpoint() if has_checkpoint else ""
    run.log.rewind(run.step)
    if accelerator.is_main_process:
        folder.mkdir(parents=True, exist_ok=True)
        keep_copies(config.data.degradation, folder)
        config.save()
    run.trackers = Trackers(accelerator, config, run_name, run.step)
    run.progress = Progress(run.step, config.steps, accelerator.is_main_process)
    run.batches = iter(loader)
    return run


def make_loader(config: TrainConfig, accelerator: Accelerator) -> StatefulDataLoader:
    """Batches of crops; every process reads its own share of the images."""
    processes = accelerator.num_processes
    data, parts = config.data, config.optimizer.accumulate
    if data.batch % (processes * parts):
        raise UserError(
            f"a batch of {data.batch} does not divide into {processes} processes "
            f"with {parts} micro-batches each"
        )
    source = open_source(data.source, config.seed, config.teacher.results)
    source = split_dataset_by_node(source, accelerator.process_index, accelerator.num_processes)
    crops = CropStream(
        source,
        data.crop,
        data.crops_per_image,
        data.shuffle_buffer,
        config.seed,
        data.crop_candidates,
        read_mixture(data.degradation),
        config.scale,
    )
    return StatefulDataLoader(
        crops,
        batch_size=data.batch // processes,
        num_workers=data.workers,
        worker_init_fn=leave_signals_to_the_trainer,
    )
