"""A run: a stage, its data and its folder, and what is done with them on the way."""

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor
from torchdata.stateful_dataloader import StatefulDataLoader

from ..errors import FailedError, UserError
from ..hub.origins import Origin, write_notice
from ..upscaling.score_map import ScoreMapPredictor
from .adversarial_stage import AdversarialStage
from .card import RunFacts, weights_license, write_card
from .checkpoints import load_latest, save_checkpoint
from .config import TrainConfig
from .gradients import NonFiniteError
from .log import Log, Progress, print_line
from .pixel_stage import PixelStage
from .teachers import Teacher
from .trackers import Trackers
from .validation import validate


@dataclass
class TrainingRun:
    """What `train` works with; `loop.set_up` makes one and adds the last fields."""

    config: TrainConfig
    accelerator: Accelerator
    stage: PixelStage
    loader: StatefulDataLoader
    step: int = 0
    skipped: int = 0
    skipped_in_a_row: int = 0
    waited: float = 0.0
    teacher: Teacher | None = field(init=False)
    origin: Origin = field(init=False)
    trackers: Trackers = field(init=False)
    progress: Progress = field(init=False)
    batches: Iterator[dict[str, Tensor]] = field(init=False)

    def __post_init__(self) -> None:
        self.folder = Path(self.config.output)
        self.log = Log(self.folder / "log.jsonl", self.accelerator.is_main_process)
        self.terms: dict[str, list[Tensor]] = defaultdict(list)
        self._seconds_before = 0.0
        self._started = self._logged = self._saved = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds of training, those before it was resumed included."""
        return self._seconds_before + time.monotonic() - self._started

    def train_step(self) -> None:
        """One step on the next batch. One that is not finite is skipped; too many in a row end the run."""
        asked = time.monotonic()
        batch = next(self.batches)
        lr, hr = (batch[name].to(self.accelerator.device) for name in ("lr", "hr"))
        self.waited += time.monotonic() - asked
        if self.teacher:
            lr, hr = self.teacher.blend(self.step, lr, hr, batch.get("teacher"))
        try:
            terms = self.stage.step(lr, hr)
        except NonFiniteError:
            self._count_skipped()
        else:
            self.skipped_in_a_row = 0
            for name, value in terms.items():
                self.terms[name].append(value)
        self.step += 1
        self.progress.update()

    def agree(self, *here: bool) -> list[bool]:
        """Of each fact, whether it holds on some process: all processes act alike."""
        counts = torch.tensor(here, dtype=torch.float32, device=self.accelerator.device)
        return [count > 0 for count in self.accelerator.reduce(counts, "sum").tolist()]

    def is_due(self, every: int) -> bool:
        """Whether what is done every so many steps, and at the end, is done now."""
        return self.step % every == 0 or self.step == self.config.steps

    def checkpoint_is_late(self) -> bool:
        """Whether the last checkpoint is too old, by the clock of the main process."""
        minutes = self.config.checkpoints.minutes
        is_old = time.monotonic() - self._saved >= 60 * minutes
        return self.accelerator.is_main_process and minutes > 0 and is_old

    def log_losses(self) -> None:
        """The means since the last time of the loss terms over all processes, to log, trackers and progress."""
        if not self.terms:
            return
        now = time.monotonic()
        waited = self.waited / (now - self._logged)
        self._logged, self.waited = now, 0.0
        means, skipped = self._mean_terms(), self._skipped_images()
        rate = float(self.stage.schedulers["generator"].get_last_lr()[0])
        self.log.write(
            step=self.step,
            seconds=round(self.seconds, 1),
            waited=round(waited, 4),
            lr=rate,
            losses=means,
            **skipped,
            **self._teacher_counts(),
        )
        named = {f"loss/{name}": mean for name, mean in means.items()}
        self.trackers.log(self.step, {**named, "lr": rate, "waited": waited})
        self.progress.show({**means, **skipped})

    def validate(self) -> None:
        """Score the result on the benchmarks; the other processes wait."""
        if not self.config.validation.benchmarks:
            return
        if self.accelerator.is_main_process:
            stage, predictor = self.stage, None
            samples = self.folder / "samples" / f"step-{self.step:08d}.png"
            if isinstance(stage, AdversarialStage):
                extractor = stage.shared and stage.result.extractor
                predictor = ScoreMapPredictor(stage.result_discriminator, extractor=extractor)
            scores = validate(stage.result, self.config.validation, samples, predictor)
            self.log.write(step=self.step, scores=scores)
            named = {name.replace(" ", "/"): value for name, value in scores.items()}
            self.trackers.log(self.step, named, {"samples": samples})
        self.accelerator.wait_for_everyone()

    def save_checkpoint(self) -> None:
        """Everything to go on from here exactly, and the model."""
        mine = {
            "data": self.loader.state_dict(),
            "buffers": {name: buffer.cpu() for name, buffer in self.stage.local_buffers().items()},
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
                "teacher": self.teacher.identity if self.teacher else "",
            }
            save_checkpoint(self.folder / "checkpoints", self.step, state, self.config.checkpoints.keep)
        self._saved = time.monotonic()
        self.save_model()

    def load_checkpoint(self) -> str:
        """Go on from the newest checkpoint; returns the name under which the trackers know the run."""
        state = load_latest(self.folder / "checkpoints")
        if state.get("teacher", "") != (self.teacher.identity if self.teacher else ""):
            raise UserError(
                "this run was begun with another teacher, or without one; resume it with the same"
            )
        self.step, self._seconds_before = state["step"], state["seconds"]
        self.skipped = state["skipped"]
        self.stage.load_state_dict(state["stage"])
        ranks, processes = state["ranks"], self.accelerator.num_processes
        if len(ranks) != processes:
            raise UserError(f"this run was begun with {len(ranks)} processes, not {processes}")
        mine = ranks[self.accelerator.process_index]
        self.loader.load_state_dict(mine["data"])
        for name, buffer in self.stage.local_buffers().items():
            buffer.copy_(mine["buffers"][name])
        torch.set_rng_state(mine["rng"])
        return state.get("tracked_as", "")

    def save_model(self) -> None:
        """RUN/model with its card, which has the newest scores. It appears when it is complete, and stays so."""
        if self.accelerator.is_main_process:
            stage, processes = self.stage, self.accelerator.num_processes
            facts = RunFacts(self.step, self.seconds, origin=self.origin, processes=processes)
            complete = self.folder / "model"
            model = complete if complete.exists() else self.folder / ".model.partial"
            stage.result.license = weights_license(self.config, self.origin)
            stage.result.save_pretrained(model)
            if isinstance(stage, AdversarialStage):
                stage.result_discriminator.save_pretrained(model / "discriminator")
                facts = replace(facts, perceptual=stage.features.name)
            if self.teacher:
                facts = replace(facts, teacher=self.teacher.name)
            write_notice(model, [self.origin])
            write_card(model, self.config, self.log.path, facts)
            if model != complete:
                model.replace(complete)
        self.accelerator.wait_for_everyone()

    def report_end(self) -> None:
        """What a run says at its end."""
        images = self._skipped_images().get("skipped_images", 0)
        taught = self._teacher_counts().get("teacher")
        if self.accelerator.is_main_process:
            hours, seconds = divmod(round(self.seconds), 3600)
            line = f"step {self.step}, {hours}:{seconds // 60:02}:{seconds % 60:02} of training"
            line += f"; skipped {self.skipped} steps that were not finite" if self.skipped else ""
            line += f"; {images} images could not be used (the warnings say why)" if images else ""
            line += (
                f"; teacher: {taught['cached']} from the cache, {taught['computed']} computed"
                if taught
                else ""
            )
            print_line(f"{line}; the model is in {self.folder / 'model'}")

    def close(self) -> None:
        """Make sure that everything is with the trackers."""
        self.progress.close()
        self.trackers.finish()

    def _mean_terms(self) -> dict[str, float]:
        """The mean of each loss term since the last time, over all processes."""
        means = torch.stack([torch.stack(values).mean() for values in self.terms.values()])
        named = dict(zip(self.terms, self.accelerator.reduce(means, "mean").tolist(), strict=True))
        self.terms.clear()
        return named

    def _teacher_counts(self) -> dict[str, dict[str, int]]:
        """How many results of the teacher came from its cache and were computed since the run was started."""
        if self.teacher is None or self.teacher.enlarge is None:
            return {}
        counts = torch.tensor(self.teacher.counts, device=self.accelerator.device)
        cached, computed = self.accelerator.reduce(counts, "sum").tolist()
        return {"teacher": {"cached": cached, "computed": computed}}

    def _skipped_images(self) -> dict[str, int]:
        """How many images could not be used so far, on any process; nothing if all could."""
        marks = self.loader.dataset.lost.to(self.accelerator.device, torch.int32)
        count = int(self.accelerator.reduce(marks, "sum").count_nonzero())
        return {"skipped_images": count} if count else {}

    def _count_skipped(self) -> None:
        self.skipped += 1
        self.skipped_in_a_row += 1
        self.log.write(step=self.step + 1, skipped=self.skipped)
        if self.skipped_in_a_row >= self.config.optimizer.patience:
            raise FailedError(
                f"the last {self.skipped_in_a_row} steps were not finite; the last good checkpoint is in "
                f"'{self.folder / 'checkpoints'}'. Try a lower --optimizer.lr, --optimizer.warmup, "
                "--optimizer.clip 1 or --precision no in a new run with --init from its model"
            )
