"""What a run reports to experiment trackers, through Accelerate: losses, learning rate, scores and sample strips.

log.jsonl is always written; a tracker is for looking on. A resumed run goes on in the same run of its tracker, and
steps that the tracker already has (a run that was killed is resumed from before its end) are not reported twice:
TensorBoard is made to forget them, trackio and wandb do not get them again.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

from accelerate import Accelerator
from accelerate.tracking import GeneralTracker
from accelerate.utils import ProjectConfiguration

from ..errors import MissingPackageError, UserError
from ..images.reading import read_image
from .config import TrainConfig
from .log import print_line
from .nested import plain

NAMES = ("trackio", "tensorboard", "wandb")
PROJECT = "fasrgan-hub"


def tracker_names(choice: Sequence[str]) -> list[str]:
    """The trackers to start: those of `choice`; for "auto" alone trackio if it is installed.

    Raises UserError for a name that is none of `NAMES`, or that is not installed.
    """
    if tuple(choice) == ("auto",):
        return ["trackio"] if find_spec("trackio") else []
    names = list(dict.fromkeys(choice))
    for name in names:
        if name not in NAMES:
            raise UserError(
                f"there is no tracker '{name}'; there are {', '.join(NAMES)}, and auto for itself"
            )
        if not find_spec(name):
            raise MissingPackageError(f"the tracker {name} is not installed: pip install {name}")
    return names


def accelerate_arguments(config: TrainConfig) -> dict[str, Any]:
    """What Accelerator must be given so that `Trackers` can start what `config.logging.trackers` names."""
    folder = Path(config.output) / "tensorboard"
    return {
        "log_with": tracker_names(config.logging.trackers) or None,
        "project_config": ProjectConfiguration(logging_dir=str(folder)),
    }


class Trackers:
    """The trackers of one run; without any, every method does nothing.

    Args:
        accelerator: made with `accelerate_arguments`.
        config: of the run; reported when it begins.
        run: the name under which it is known to the trackers, "" to begin a new one. Keep `self.run`.
        step: what the run has done already; of what the trackers know of later steps nothing is kept or repeated.
    """

    def __init__(self, accelerator: Accelerator, config: TrainConfig, run: str = "", step: int = 0):
        begins = not run
        name = re.sub(r"[^\w-]", "-", Path(config.output).resolve().name)
        self.run = run or f"{name}-{uuid4().hex[:8]}"
        self.trackers: list[GeneralTracker] = []
        self._last: dict[str, int] = {}
        if not accelerator.is_main_process:
            return
        if not accelerator.log_with:
            if config.logging.trackers == ("auto",):
                print_line("losses and scores go to log.jsonl alone; 'pip install trackio' to look on")
            return
        arguments = {
            "trackio": {"name": self.run, "resume": "allow", "auto_log_cpu": False},
            "tensorboard": {"purge_step": None if begins else step + 1},
            "wandb": {"id": self.run, "name": self.run, "resume": "allow", "dir": config.output},
        }
        try:
            accelerator.init_trackers(PROJECT, _hyperparameters(config) if begins else None, arguments)
        except Exception as error:  # each has its own, wandb for want of a login
            names = ", ".join(map(str, accelerator.log_with))
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(
                f"{names} cannot be started ({reason}); --logging.trackers [] does without"
            ) from error
        self.trackers = list(accelerator.trackers)
        for tracker in self.trackers:
            self._last[tracker.name] = 0 if begins else _last_step(tracker)

    def log(self, step: int, values: dict[str, float], images: dict[str, Path] | None = None) -> None:
        """Report `values`, and images by the paths of their files, of a step."""
        for tracker in self.trackers:
            if step > self._last[tracker.name]:
                tracker.log(values, step=step)
                for name, path in (images or {}).items():
                    _log_image(tracker, name, path, step)

    def finish(self) -> None:
        """Make sure that everything is with the trackers."""
        for tracker in self.trackers:
            with suppress(OSError):  # a closed pipe
                _finish(tracker)
        self.trackers = []


def _hyperparameters(config: TrainConfig) -> dict[str, Any]:
    """Every field by its path, as a number, a boolean or a string: what all trackers take."""
    values = {path: plain(config[path]) for path in config.paths()}
    return {path: value if isinstance(value, int | float) else str(value) for path, value in values.items()}


def _finish(tracker: GeneralTracker) -> None:
    if tracker.name == "trackio":
        import trackio

        trackio.finish()  # Accelerate's tracker would let it finish, and say so, once more at exit
    else:
        tracker.finish()


def _last_step(tracker: GeneralTracker) -> int:
    """The last step that a resumed tracker already has; 0 where it was made to forget."""
    if tracker.name == "wandb":
        return tracker.tracker.step - 1
    if tracker.name == "trackio":  # it is nowhere else; without it, steps would be reported twice
        return getattr(tracker.tracker, "_next_step", 1) - 1
    return 0


def _log_image(tracker: GeneralTracker, name: str, path: Path, step: int) -> None:
    if tracker.name == "tensorboard":
        tracker.log_images({name: read_image(path).pixels[None]}, step=step, dataformats="NHWC")
    elif tracker.name == "wandb":
        tracker.log_images({name: [str(path)]}, step=step)
    else:
        import trackio

        tracker.log({name: trackio.Image(path)}, step=step)
