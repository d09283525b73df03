"""Maps of a result, as the page and the endpoints show them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...images.decoded import DecodedImage
from ...upscaling.engines import BASELINES
from ...upscaling.maps import ResultMap, check_kinds, invented
from ...upscaling.score_map import ScoreMap
from ...upscaling.tiles import Progress
from .model_cache import ModelCache, UpscaleSettings


@dataclass(frozen=True)
class DrawnMap:
    """PNG files of a map, and facts.

    Args:
        overlay: the result, tinted where the map warns.
        heat_map, legend: the map in colors, and its scale.
        sheet: all three on one page.
        facts: `kind`, `mean` of the map, and `sentence`, what it says; of a score map also `score`, `below_half`, the
            share of pixels that score below 0.5, and `discriminator`, the model whose discriminator scored.
    """

    overlay: Path
    heat_map: Path
    legend: Path
    sheet: Path
    facts: dict[str, Any]


def make_map(
    models: ModelCache,
    kind: str,
    settings: UpscaleSettings,
    small: DecodedImage,
    result: DecodedImage,
    progress: Progress,
) -> tuple[ResultMap, dict[str, Any]]:
    """The map of a result that was made with these settings, and its facts. UserError if there is none of this kind."""
    check_kinds([kind])
    if kind == "generated":
        return score(models, settings.model, result, progress)
    if settings.model in BASELINES:
        raise UserError(f"{settings.model} has no weights that could say so; choose a model")
    if kind == "error":
        errors = models.error_predictor(settings.model)(small, result, progress)
        sentence = f"{errors.sentence}; on average {errors.number:.1f} of 255 gray levels."
        sentence = sentence[0].upper() + sentence[1:]
        return errors, {"kind": kind, "mean": errors.number, "sentence": sentence}
    faithful = models.upscaler(replace(settings, fidelity=1.0))
    made = invented(result.pixels, faithful(small.pixels, progress))
    sentence = f"On average {made.number:.1f} of 255 gray levels away from the result that invents least."
    return made, {"kind": kind, "mean": made.number, "sentence": sentence}


def score(
    models: ModelCache, model: str, image: DecodedImage, progress: Progress
) -> tuple[ScoreMap, dict[str, Any]]:
    """The score map of an image as it is, and its facts."""
    predictor = models.score_map_predictor(model)
    made = predictor(image, progress)
    below_half = float((made.values < 0.5).mean())
    facts = {"kind": "generated", "mean": made.score, "score": made.score, "below_half": below_half}
    sentence = (
        f"Mean score {made.score:.3f}; {100 * below_half:.1f} % of the pixels score below 0.5. "
        f"Scored by the discriminator of {predictor.name}."
    )
    return made, facts | {"discriminator": predictor.name, "sentence": sentence}


def save_map(made: ResultMap, facts: dict[str, Any], image: DecodedImage, folder: Path) -> DrawnMap:
    """Write the renderings of an image's map into a folder."""
    renderings = {
        "overlay": made.overlay(image),
        "heat_map": made.heat_map(),
        "legend": made.legend(),
        "sheet": made.sheet(image),
    }
    files = {name: folder / f"{name}.png" for name in renderings}
    for name, rendering in renderings.items():
        rendering.save(files[name], compress_level=1)
    return DrawnMap(**files, facts=facts)
