"""The training loop: batches in, steps, a log, validation, checkpoints and at the end a model to publish."""

import json
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object, set_seed
from datasets.distributed import split_dataset_by_node
from torchdata.stateful_dataloader import StatefulDataLoader
from tqdm import tqdm

from ..data.crops import CropStream
from ..data.sources import open_source
from ..errors import UserError
from ..evaluation.scoring import METRICS
from ..models.generators import Generator
from ..systems import from_pretrained
from .card import write_card
from .checkpoints import load_latest, save_checkpoint
from .config import TrainConfig
from .curves import read_entries
from .stages import AdversarialStage, NonFiniteError, PixelStage
from .validation import benchmarks, validate


def train(config: TrainConfig, resume: bool = False) -> Path:
    """Run a stage to `config.steps` and return the folder of its model, RUN/model.

    The run folder holds config.json, log.jsonl (losses and scores by step), checkpoints/, samples/ and model/,
    which is complete at every checkpoint and opens with `from_pretrained`.
    """
    accelerator = Accelerator(mixed_precision=config.precision)
    set_seed(config.seed)
    run = Run(config, accelerator, resume)
    run.train()
    return run.folder / "model"


class Run:
    """A stage, its data and its folder."""

    def __init__(self, config: TrainConfig, accelerator: Accelerator, resume: bool):
        self.config = config
        self.accelerator = accelerator
        self.folder = Path(config.output)
        self.checkpoints = self.folder / "checkpoints"
        if not resume and any(self.checkpoints.glob("step-*.pt")):
            raise UserError(
                f"'{config.output}' already holds a run; add --resume latest or name another --output"
            )
        self._check_validation()
        kind = PixelStage if config.stage == "psnr" else AdversarialStage
        generator = initial_generator(config)
        try:
            self.stage = kind(config, accelerator, generator)
        except (TypeError, ValueError, RuntimeError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(
                f"discriminator is '{config.discriminator}', crop {config.crop}: {error}"
            ) from error
        self.loader = make_loader(config, accelerator)
        self.log = Log(self.folder / "log.jsonl", accelerator.is_main_process)
        self.step = 0
        self.seconds = 0.0
        self.skipped = 0
        self.skipped_in_a_row = 0
        if resume and any(self.checkpoints.glob("step-*.pt")):
            self._load()
        else:
            self.log.rewind(0)
        if accelerator.is_main_process:
            config.save()

    def train(self) -> None:
        """Step until `config.steps` or an interruption; log, validate and save on the way and at the end."""
        for _ in self.steps():
            pass
        self._save_model()

    def steps(self) -> Iterator[float]:
        """Every step with all that belongs to it; each yields the seconds that it waited for its batch."""
        config = self.config
        progress = tqdm(
            total=config.steps,
            initial=self.step,
            unit="step",
            disable=not (self.accelerator.is_main_process and sys.stderr.isatty()),
        )
        losses: dict[str, list[torch.Tensor]] = defaultdict(list)
        batches = iter(self.loader)
        since, waited = time.monotonic(), 0.0
        with interruption() as interrupted:
            while self.step < config.steps:
                asked = time.monotonic()
                batch = {name: x.to(self.accelerator.device) for name, x in next(batches).items()}
                wait = time.monotonic() - asked
                waited += wait
                for name, value in self._guarded_step(batch).items():
                    losses[name].append(value)
                self.step += 1
                progress.update()
                if self._due(config.log_every) and losses:
                    now = time.monotonic()
                    elapsed, since = now - since, now
                    self.seconds += elapsed
                    means = {name: float(torch.stack(values).mean()) for name, values in losses.items()}
                    rate = self.stage.schedulers["generator"].get_last_lr()[0]
                    self.log.write(
                        step=self.step,
                        seconds=round(self.seconds, 1),
                        waited=round(waited / elapsed, 4),
                        lr=rate,
                        losses=means,
                    )
                    waited = 0.0
                    progress.set_postfix({name: f"{value:.4f}" for name, value in means.items()})
                    losses.clear()
                stop = self._anywhere(interrupted.is_set())
                if stop or self._due(config.checkpoint_every):
                    self._save()
                if config.validation and self._due(config.validate_every):
                    self._validate()
                if stop:
                    progress.close()
                    raise KeyboardInterrupt
                yield wait
        progress.close()

    def _check_validation(self) -> None:
        """Tell a mistake in --validation or --metrics now, not after hours."""
        for hr, lr in benchmarks(self.config.validation).values():
            for folder in filter(None, (hr, lr)):
                if not Path(folder).exists():
                    raise UserError(f"validation: there is no '{folder}'")
        for name in self.config.metrics.split(","):
            if name not in METRICS:
                raise UserError(f"there is no metric '{name}'; there are {', '.join(METRICS)}")

    def _guarded_step(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """One step; one that is not finite is skipped, and too many in a row end the run."""
        try:
            seen = self.stage.step(**batch)
        except NonFiniteError:
            self.skipped += 1
            self.skipped_in_a_row += 1
            self.log.write(step=self.step + 1, skipped=self.skipped)
            if self.skipped_in_a_row >= self.config.patience:
                raise UserError(
                    f"the last {self.skipped_in_a_row} steps were not finite; the last good checkpoint is in "
                    f"'{self.checkpoints}'. Try a lower --lr, --warmup, --clip 1 or --precision no in a new run "
                    "with --init from its model"
                ) from None
            return {}
        self.skipped_in_a_row = 0
        return seen

    def _anywhere(self, here: bool) -> bool:
        """Whether it is so on some process: all of them stop together."""
        if self.accelerator.num_processes == 1:
            return here
        return bool(self.accelerator.reduce(torch.tensor(float(here), device=self.accelerator.device)))

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.config.steps

    def _validate(self) -> None:
        if self.accelerator.is_main_process:
            samples = self.folder / "samples" / f"step-{self.step:08d}.png"
            scores = validate(self.stage.result, self.config.validation, self.config.metrics, samples)
            self.log.write(step=self.step, scores=scores)
        self.accelerator.wait_for_everyone()

    def _save(self) -> None:
        data = gather_object([self.loader.state_dict()])
        if self.accelerator.is_main_process:
            state = {
                "step": self.step,
                "seconds": self.seconds,
                "skipped": self.skipped,
                "stage": self.stage.state_dict(),
                "data": data,
                "rng": torch.get_rng_state(),
            }
            save_checkpoint(self.checkpoints, self.step, state, self.config.keep)
        self._save_model()

    def _save_model(self) -> None:
        """RUN/model with its card, which has the newest scores."""
        if self.accelerator.is_main_process:
            model = self.folder / "model"
            self.stage.result.save_pretrained(model)
            if isinstance(self.stage, AdversarialStage):
                self.stage.discriminator.save_pretrained(model / "discriminator")
            perceptual = self.stage.features.name if isinstance(self.stage, AdversarialStage) else ""
            write_card(model, self.config, self.log.path, self.step, self.seconds, perceptual)
        self.accelerator.wait_for_everyone()

    def _load(self) -> None:
        state = load_latest(self.checkpoints)
        self.step, self.seconds = state["step"], state["seconds"]
        self.skipped = state["skipped"]
        self.stage.load_state_dict(state["stage"])
        if len(state["data"]) != self.accelerator.num_processes:
            raise UserError(
                f"this run was begun with {len(state['data'])} processes, not {self.accelerator.num_processes}"
            )
        self.loader.load_state_dict(state["data"][self.accelerator.process_index])
        torch.set_rng_state(state["rng"])
        self.log.rewind(self.step)


@contextmanager
def interruption() -> Iterator[Event]:
    """An event that Ctrl-C (or SIGTERM, which batch systems send) sets, once; a second one interrupts at once."""
    event = Event()
    before: dict[int, Any] = {}

    def remember(number: int, frame: Any) -> None:
        event.set()
        signal.signal(number, before[number])

    if current_thread() is main_thread():
        before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def initial_generator(config: TrainConfig) -> Generator:
    """The generator that the stage starts from: random, or the weights of `config.init`."""
    try:
        generator = config.system_row().build_generator()
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"generator is '{config.generator}': {error}") from error
    if config.init:
        start = from_pretrained(config.init)
        try:
            generator.load_state_dict(start.state_dict())
        except RuntimeError as error:
            raise UserError(f"the weights of '{config.init}' do not fit {config.system}") from error
    return generator


def make_loader(config: TrainConfig, accelerator: Accelerator) -> StatefulDataLoader:
    """Batches of crops; every process reads its own share of the pictures."""
    if config.batch % accelerator.num_processes:
        raise UserError(
            f"a batch of {config.batch} does not divide into {accelerator.num_processes} processes"
        )
    source = open_source(config.data, config.seed)
    source = split_dataset_by_node(source, accelerator.process_index, accelerator.num_processes)
    crops = CropStream(
        source, config.crop, config.crops_per_picture, config.window, config.seed, config.detail
    )
    return StatefulDataLoader(
        crops, batch_size=config.batch // accelerator.num_processes, num_workers=config.workers
    )


class Log:
    """log.jsonl: one object a line, each with the `step` it belongs to."""

    def __init__(self, path: Path, enabled: bool):
        self.path = path
        self.enabled = enabled
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder '{path.parent}': {error.strerror}") from error

    def write(self, **entry: Any) -> None:
        if self.enabled:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")

    def rewind(self, step: int) -> None:
        """Drop what was logged after `step`: a resumed run writes it again."""
        if self.enabled and self.path.exists():
            kept = [entry for entry in read_entries(self.path) if entry["step"] <= step]
            self.path.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8")
