"""Whose weights a run goes on from: the base model and the license that its card must name."""

from dataclasses import dataclass

import yaml
from huggingface_hub import ModelCard

from ..errors import UserError
from ..hub.model_files import Locate, model_files
from ..hub.transfer import CARD
from .config_groups import StartConfig


@dataclass(frozen=True)
class Origin:
    """Where weights come from.

    Args:
        base_model: Hub ids; empty if none is known.
        license: of the Hub's list; empty if it is not known.
    """

    base_model: tuple[str, ...] = ()
    license: str = ""


def find_origin(start: StartConfig) -> Origin:
    """The origin of the generator that a run starts from: what the configuration says, then what its card says."""
    if not start.init:
        return Origin()
    files = model_files(start.init)
    base, license = _read_card(files.locate)
    if files.commit:
        base = (files.name,)
    return Origin((start.base_model,) if start.base_model else base, start.license or license)


def _read_card(locate: Locate) -> tuple[tuple[str, ...], str]:
    """Base models and license in a model's card; nothing where there is no card that can be read."""
    try:
        data = ModelCard(locate(CARD, "").read_text(encoding="utf-8")).data
    except (UserError, OSError, ValueError, yaml.YAMLError):
        return (), ""
    base = data.get("base_model") or ()
    return (base,) if isinstance(base, str) else tuple(base), str(data.get("license") or "")
