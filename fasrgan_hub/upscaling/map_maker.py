"""The maps of an Upscaler's results: what makes each kind is loaded when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..hub.model_files import ModelFiles
from ..images.inputs import ImageInput, decode
from .engines.choice import Choice
from .tiles import Progress

if TYPE_CHECKING:
    from torch import nn

    from .error_map import ErrorPredictor
    from .maps import ResultMap
    from .score_map import ScoreMap, ScoreMapPredictor


class MapMaker:
    """The part of the Upscaler that makes maps of its results."""

    _model: str | Path | ModelFiles | nn.Module
    _choice: Choice
    __call__: Callable[..., Any]
    faithful: Any
    _open_reference: Callable[[str], Any]

    @cached_property
    def predictor(self) -> ScoreMapPredictor:
        """The discriminator that came with the model. Raises UserError if there is none."""
        from .score_map import ScoreMapPredictor

        if not isinstance(self._model, str | ModelFiles):
            raise UserError("a module has no discriminator with it; use ScoreMapPredictor(MODEL_NAME)")
        choice = self._choice
        return ScoreMapPredictor(
            self._model, engine=choice.engine, precision=choice.uncalibrated, device=choice.device
        )

    def score_map(self, image: ImageInput, progress: Progress | None = None) -> ScoreMap:
        """The score map of an image, such as a result, by the discriminator that came with the model.

        Arguments, result and errors are those of `score_map.ScoreMapPredictor`.
        """
        return self.predictor(image, progress)

    def maps(
        self, image: ImageInput, kinds: Sequence[str] | None = None, result: ImageInput | None = None
    ) -> dict[str, ResultMap]:
        """Maps of this image's result, by kind, in the order of `kinds`.

        Args:
            image: the small image, as in `images.inputs.decode`.
            kinds: default all. "error": the gray levels that each pixel is likely to be off; "generated": the score
                map of the model's discriminator (0 generated, 1 photographed); "invented": the difference from the
                result of the L1 stage in gray levels.
            result: the result of this image, if it is there already.

        Raises UserError for an unknown kind, and for a model without error estimator, discriminator or sibling.
        """
        from .maps import check_kinds, invented

        kinds = check_kinds(kinds)
        for kind in kinds:
            self.check_map(kind)
        small = decode(image).pixels
        enlarged = self(small) if result is None else decode(result).pixels
        makers: dict[str, Callable[[], ResultMap]] = {
            "error": lambda: self.error_predictor(small, enlarged),
            "generated": lambda: self.predictor(enlarged),
            "invented": lambda: invented(enlarged, self.faithful(small)),
        }
        return {kind: makers[kind]() for kind in kinds}

    def check_map(self, kind: str) -> None:
        """Load what a kind of map needs. Raises UserError if the model lacks it."""
        from .maps import check_kinds

        check_kinds([kind])
        _ = getattr(
            self, {"error": "error_predictor", "generated": "predictor", "invented": "faithful"}[kind]
        )

    @cached_property
    def error_predictor(self) -> ErrorPredictor:
        """The error estimator that came with the model. Raises UserError if there is none."""
        from .error_map import ErrorPredictor

        if not isinstance(self._model, ModelFiles):
            raise UserError("this has no error map, as modules and bicubic have none; name a model")
        return ErrorPredictor(self._model, device=self._choice.device, open_reference=self._open_reference)
