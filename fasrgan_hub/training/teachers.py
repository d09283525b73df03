"""Teachers: a run may learn from the results of another network first, and from the originals later.

Empirical centroid-oriented optimization (ECO; Lee and Heo, 2024, arXiv 2312.17526): an original holds details that
nobody could know from its LR image. They are noise to a network that has just begun. With T(LR) the teacher's result,
down(T(LR)) that shrunk by MATLAB's bicubic, and a rising from 0 to 1 along a line, a step learns to make

    a HR + (1 - a) T(LR)    of    a LR + (1 - a) down(T(LR)).

down(T(LR)) has no noise and no JPEG blocks left. A run that shall learn to remove them keeps LR as its input
(`teacher.inputs` kept): plain distillation, on a line to the truth.

In the adversarial stage these targets are what the discriminator takes for real. Results are images of 8 bits, whether
they are computed, kept or come as files, so that a step depends on nothing but its batch.
"""

import copy
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ..errors import UserError
from ..hub.model_files import model_files
from ..images.bicubic import downscale
from ..images.decoded import DecodedImage
from ..images.reading import read_image
from ..images.writing import save_image
from ..systems import from_pretrained
from .config import TrainConfig

Enlarge = Callable[[Tensor], Tensor]
"""(N, 3, h, w) in [0, 1] -> (N, 3, sh, sw); a module is copied, moved and set to eval mode."""


def truth_share(step: int, steps: int, until: float) -> float:
    """How much of a step's input and target is the truth: 0 at step 0, 1 from step `until` * `steps` on."""
    return min(1.0, step / (until * steps))


def blend(lr: Tensor, hr: Tensor, result: Tensor, share: float, inputs: str) -> tuple[Tensor, Tensor]:
    """Input and target between the teacher's `result` (`share` 0) and the truth (1); `inputs` kept leaves `lr`."""
    if inputs == "blended":
        lr = torch.lerp(downscale(result, hr.shape[-1] // lr.shape[-1]), lr, share)
    return lr, torch.lerp(result, hr, share)


class Teacher:
    """What a run does with a teacher.

    Args:
        name: for people.
        enlarge: its results of a batch; None if they come with the batch.
        identity: a hash of what decides the results; a resumed run must have the same.
    """

    def __init__(self, config: TrainConfig, name: str, enlarge: "Results | None", identity: str):
        self.config = config
        self.name = name
        self.enlarge = enlarge
        self.identity = identity

    def blend(self, step: int, lr: Tensor, hr: Tensor, ready: Tensor | None) -> tuple[Tensor, Tensor]:
        """Input and target of a step instead of `lr` and `hr`; `ready` are results that came with the batch."""
        share = truth_share(step, self.config.steps, self.config.teacher.until)
        if share == 1:
            return lr, hr
        result = self.enlarge(lr) if self.enlarge else ready
        assert result is not None
        if result.shape != hr.shape:
            sizes = ["x".join(map(str, image.shape[:-3:-1])) for image in (result, lr, hr)]
            raise UserError(
                f"the teacher made {sizes[0]} pixels of {sizes[1]}; the generator makes {sizes[2]}"
            )
        return blend(lr, hr, result, share, self.config.teacher.inputs)

    @property
    def counts(self) -> tuple[int, int]:
        """Results so far that came from the cache, and that were computed."""
        return (self.enlarge.cached, self.enlarge.computed) if self.enlarge else (0, 0)


class Results:
    """The results of a network, rounded to 8 bits. With a folder they are kept there, by the content of the LR image.

    An image of which there is no result is enlarged alone, so that a result does not depend on its batch. Crops that
    are drawn anew seldom come again: a folder is of use where one run is like another.
    """

    def __init__(self, enlarge: Enlarge, accelerator: Accelerator, folder: Path | None, identity: str):
        self._enlarge = enlarge
        self._accelerator = accelerator
        self._folder = folder
        self._identity = identity
        self.cached = self.computed = 0

    def __call__(self, lr: Tensor) -> Tensor:
        if self._folder is None:
            return self._compute(lr)
        return torch.cat([self._look_up(self._folder, image[None]) for image in lr])

    @torch.no_grad()
    def _compute(self, lr: Tensor) -> Tensor:
        with self._accelerator.autocast():
            result = self._enlarge(lr)
        self.computed += len(lr)
        return (result.to(lr.dtype).clamp(0, 1) * 255).round() / 255

    def _look_up(self, folder: Path, lr: Tensor) -> Tensor:
        pixels = _to_pixels(lr)
        key = hashlib.sha256(f"{self._identity} {pixels.shape} ".encode() + pixels.tobytes()).hexdigest()
        path = folder / key[:2] / f"{key}.png"
        try:
            kept = read_image(path).pixels
        except UserError:  # absent, or damaged: then it is replaced
            result = self._compute(lr)
            path.parent.mkdir(parents=True, exist_ok=True)
            save_image(DecodedImage(_to_pixels(result)), path)
            return result
        self.cached += 1
        return torch.from_numpy(kept).permute(2, 0, 1)[None].to(lr.device, lr.dtype) / 255


def _to_pixels(images: Tensor) -> np.ndarray:
    """(1, 3, H, W) in [0, 1] -> (H, W, 3) uint8."""
    return np.ascontiguousarray((images[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy())


def open_teacher(
    config: TrainConfig, accelerator: Accelerator, module: Enlarge | None = None
) -> Teacher | None:
    """The teacher of a run: `module`, or what the configuration names; None without one.

    Raises UserError for a model that cannot be loaded or has another scale, and for two teachers.
    """
    settings = config.teacher
    if module is not None and (settings.model or settings.results):
        raise UserError("the module `teacher` and teacher.model or teacher.results exclude each other")
    if settings.results:
        return Teacher(config, f"images in {Path(settings.results).name}", None, "results")
    if settings.model:
        module = _load(config)
    if module is None:
        return None
    name = settings.model or type(module).__name__
    if isinstance(module, nn.Module):
        module = copy.deepcopy(module).eval().requires_grad_(False)
        module = module.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    elif settings.cache:
        raise UserError("teacher.cache is for a teacher whose weights can be told apart, a torch.nn.Module")
    identity = _identity(module, config.precision)
    folder = Path(settings.cache) if settings.cache else None
    return Teacher(config, name, Results(module, accelerator, folder, identity), identity)


def _load(config: TrainConfig) -> nn.Module:
    name = config.teacher.model
    try:
        files = model_files(name)
        if files.scale != config.scale:
            raise UserError(f"'{name}' enlarges by {files.scale}, the generator by {config.scale}")
        return from_pretrained(files)
    except UserError as error:
        raise type(error)(f"teacher.model: {error}") from error


def _identity(module: Any, precision: str) -> str:
    """A hash of a teacher's class, weights and precision."""
    kind = type(module) if isinstance(module, nn.Module) else module
    digest = hashlib.sha256(f"{getattr(kind, '__qualname__', type(kind).__qualname__)} {precision}".encode())
    for name, tensor in module.state_dict().items() if isinstance(module, nn.Module) else ():
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
