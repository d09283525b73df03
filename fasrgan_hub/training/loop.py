"""The training loop: batches in, steps, a log, validation, checkpoints and at the end a model to publish."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, gather_object, set_seed
from datasets.distributed import split_dataset_by_node
from torchdata.stateful_dataloader import StatefulDataLoader

from ..data.crops import CropStream
from ..data.degradations import read_mixture
from ..data.sources import open_source
from ..errors import FailedError, OverwriteError, UserError
from ..evaluation import METRICS
from ..upscaling.score_map import ScoreMapPredictor
from .card import write_card
from .checkpoints import load_latest, save_checkpoint
from .config import TrainConfig
from .interruption import interruption
from .log import Log, Progress
from .stages import AdversarialStage, NonFiniteError, PixelStage
from .starting import initial_generator
from .trackers import Trackers, accelerate_arguments
from .validation import rehearse, validate

LONGEST_WAIT = timedelta(hours=12)
"""How long processes wait for one that validates. Among GPUs it would be 10 minutes, after which the run ends."""


def train(config: TrainConfig, resume: bool = False) -> Path:
    """Run a stage to `config.steps` and return the folder of its model, RUN/model.

    The run folder holds config.json, log.jsonl (losses and scores by step), checkpoints/, samples/ and model/,
    which is complete at every checkpoint and opens with `from_pretrained`.
    """
    accelerator = Accelerator(
        mixed_precision=config.precision,
        kwargs_handlers=[InitProcessGroupKwargs(timeout=LONGEST_WAIT)],
        **accelerate_arguments(config),
    )
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
            raise OverwriteError(
                f"'{config.output}' already holds a run; add --resume latest or name another --output"
            )
        self._check_validation()
        kind = PixelStage if config.stage == "psnr" else AdversarialStage
        self.stage = kind(config, accelerator, initial_generator(config))
        self.loader = make_loader(config, accelerator)
        self.log = Log(self.folder / "log.jsonl", accelerator.is_main_process)
        self.step = 0
        self.seconds = 0.0
        self.skipped = 0
        self.skipped_in_a_row = 0
        known_as = ""
        if resume and any(self.checkpoints.glob("step-*.pt")):
            known_as = self._load()
        else:
            self.log.rewind(0)
        if accelerator.is_main_process:
            config.save()
        self.trackers = Trackers(accelerator, config, known_as, self.step)

    def train(self) -> None:
        """Step until `config.steps` or an interruption; log, validate and save on the way and at the end."""
        try:
            for _ in self.steps():
                pass
        finally:
            self.trackers.finish()
        self._save_model()
        self._summarise()

    def steps(self) -> Iterator[float]:
        """Every step with all that belongs to it; each yields the seconds that it waited for its batch."""
        config = self.config
        progress = Progress(self.step, config.steps, self.accelerator.is_main_process)
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
                if self._due(config.logging.every) and losses:
                    now = time.monotonic()
                    elapsed, since = now - since, now
                    self.seconds += elapsed
                    means, lost = self._means(losses), self._lost_pictures()
                    rate = float(self.stage.schedulers["generator"].get_last_lr()[0])
                    self.log.write(
                        step=self.step,
                        seconds=round(self.seconds, 1),
                        waited=round(waited / elapsed, 4),
                        lr=rate,
                        losses=means,
                        **lost,
                    )
                    told = {f"loss/{name}": mean for name, mean in means.items()}
                    self.trackers.log(self.step, {**told, "lr": rate, "waited": waited / elapsed})
                    waited = 0.0
                    progress.tell({**means, **lost})
                    losses.clear()
                stop = self._anywhere(interrupted.is_set())
                if stop or self._due(config.checkpoints.every):
                    self._save()
                if config.validation.benchmarks and self._due(config.validation.every):
                    self._validate()
                if stop:
                    progress.close()
                    raise KeyboardInterrupt
                yield wait
        progress.close()

    def _means(self, losses: dict[str, list[torch.Tensor]]) -> dict[str, float]:
        """The mean of each loss since the last time, over all processes."""
        means = torch.stack([torch.stack(values).mean() for values in losses.values()])
        if self.accelerator.num_processes > 1:
            means = self.accelerator.reduce(means, "mean")
        return dict(zip(losses, means.tolist(), strict=True))

    def _lost_pictures(self) -> dict[str, int]:
        """How many pictures could not be used so far, on any process; nothing if all could."""
        marks = self.loader.dataset.lost.to(self.accelerator.device, torch.int32)
        if self.accelerator.num_processes > 1:
            marks = self.accelerator.reduce(marks, "sum")
        count = int(marks.count_nonzero())
        return {"skipped_images": count} if count else {}

    def _summarise(self) -> None:
        """What a run says at its end."""
        lost = self._lost_pictures().get("skipped_images", 0)
        if self.accelerator.is_main_process:
            hours, seconds = divmod(round(self.seconds), 3600)
            told = f"step {self.step}, {hours}:{seconds // 60:02}:{seconds % 60:02} of training"
            told += f"; skipped {self.skipped} steps that were not finite" if self.skipped else ""
            told += f"; {lost} pictures could not be used (the warnings say why)" if lost else ""
            print(f"{told}; the model is in {self.folder / 'model'}", file=sys.stderr)

    def _check_validation(self) -> None:
        """Tell a mistake in --validation or --metrics now, not after hours."""
        for name in self.config.validation.metrics:
            if name not in METRICS:
                raise UserError(f"there is no metric '{name}'; there are {', '.join(METRICS)}")
        rehearse(self.config.validation)

    def _guarded_step(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """One step; one that is not finite is skipped, and too many in a row end the run."""
        try:
            seen = self.stage.step(**batch)
        except NonFiniteError:
            self.skipped += 1
            self.skipped_in_a_row += 1
            self.log.write(step=self.step + 1, skipped=self.skipped)
            if self.skipped_in_a_row >= self.config.optimizer.patience:
                raise FailedError(
                    f"the last {self.skipped_in_a_row} steps were not finite; the last good checkpoint is in "
                    f"'{self.checkpoints}'. Try a lower --optimizer.lr, --optimizer.warmup, "
                    "--optimizer.clip 1 or --precision no in a new run "
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
            judge = None
            if isinstance(self.stage, AdversarialStage):
                shared = self.stage.shared and self.stage.result.extractor
                judge = ScoreMapPredictor(self.stage.result_discriminator, extractor=shared)
            scores = validate(self.stage.result, self.config.validation, samples, judge)
            self.log.write(step=self.step, scores=scores)
            named = {name.replace(" ", "/"): value for name, value in scores.items()}
            self.trackers.log(self.step, named, {"samples": samples})
        self.accelerator.wait_for_everyone()

    def _save(self) -> None:
        mine = {
            "data": self.loader.state_dict(),
            "buffers": self.stage.local_state(),
            "rng": torch.get_rng_state(),
        }
        ranks = gather_object([mine])
        if self.accelerator.is_main_process:
            state = {
                "step": self.step,
                "seconds": self.seconds,
                "skipped": self.skipped,
                "stage": self.stage.state_dict(),
                "ranks": ranks,
                "tracked_as": self.trackers.run,
            }
            save_checkpoint(self.checkpoints, self.step, state, self.config.checkpoints.keep)
        self._save_model()

    def _save_model(self) -> None:
        """RUN/model with its card, which has the newest scores. It appears when it is complete, and stays so."""
        if self.accelerator.is_main_process:
            complete = self.folder / "model"
            model = complete if complete.exists() else self.folder / ".model.partial"
            self.stage.result.save_pretrained(model)
            if isinstance(self.stage, AdversarialStage):
                self.stage.result_discriminator.save_pretrained(model / "discriminator")
            perceptual = self.stage.features.name if isinstance(self.stage, AdversarialStage) else ""
            write_card(model, self.config, self.log.path, self.step, self.seconds, perceptual)
            if model != complete:
                model.replace(complete)
        self.accelerator.wait_for_everyone()

    def _load(self) -> str:
        """Go on from the newest checkpoint; returns the name under which the trackers know the run."""
        state = load_latest(self.checkpoints)
        self.step, self.seconds = state["step"], state["seconds"]
        self.skipped = state["skipped"]
        self.stage.load_state_dict(state["stage"])
        ranks, processes = state["ranks"], self.accelerator.num_processes
        if len(ranks) != processes:
            raise UserError(f"this run was begun with {len(ranks)} processes, not {processes}")
        mine = ranks[self.accelerator.process_index]
        self.loader.load_state_dict(mine["data"])
        self.stage.load_local_state(mine["buffers"])
        torch.set_rng_state(mine["rng"])
        self.log.rewind(self.step)
        return state.get("tracked_as", "")


def make_loader(config: TrainConfig, accelerator: Accelerator) -> StatefulDataLoader:
    """Batches of crops; every process reads its own share of the pictures."""
    processes = accelerator.num_processes
    data, parts = config.data, config.optimizer.accumulate
    if data.batch % (processes * parts):
        raise UserError(
            f"a batch of {data.batch} does not divide into {processes} processes "
            f"with {parts} micro-batches each"
        )
    source = open_source(data.source, config.seed)
    source = split_dataset_by_node(source, accelerator.process_index, accelerator.num_processes)
    crops = CropStream(
        source,
        data.crop,
        data.crops_per_image,
        data.shuffle_buffer,
        config.seed,
        data.crop_candidates,
        read_mixture(data.degradation),
    )
    return StatefulDataLoader(crops, batch_size=data.batch // processes, num_workers=data.workers)
