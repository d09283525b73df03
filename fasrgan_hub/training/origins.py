"""Whose weights a run goes on from: the base model and the license that its card must name."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from huggingface_hub import ModelCard

from ..errors import UserError
from ..hub.model_files import LICENSE, ModelFiles, model_files
from ..hub.transfer import CARD
from .config_groups import StartConfig


@dataclass(frozen=True)
class Origin:
    """Where weights come from.

    Args:
        base_model: Hub ids; empty if none is known.
        license: of the Hub's list; empty if it is not known.
        notice: the text of the license that came with them, which has to go along; empty without one.
    """

    base_model: tuple[str, ...] = ()
    license: str = ""
    notice: str = ""


def find_origin(start: StartConfig) -> Origin:
    """The origin of the generator that a run starts from: what the configuration says, then what its card says."""
    if not start.init:
        return Origin()
    origin = read_origin(model_files(start.init))
    base_model = (start.base_model,) if start.base_model else origin.base_model
    return Origin(base_model, start.license or origin.license, origin.notice)


def read_origin(files: ModelFiles) -> Origin:
    """What a model's card and its LICENSE say of its weights; a model of the Hub is a base model itself."""
    notice = files.notice
    try:
        data = ModelCard(files.locate(CARD, "").read_text(encoding="utf-8")).data
    except (UserError, OSError, ValueError, yaml.YAMLError):
        return Origin((files.name,) if files.commit else (), notice=notice)
    base = data.get("base_model") or ()
    base = (base,) if isinstance(base, str) else tuple(base)
    return Origin((files.name,) if files.commit else base, str(data.get("license") or ""), notice)


def write_notice(folder: Path, origins: Iterable[Origin]) -> None:
    """LICENSE of a model whose weights began with others', with each of their notices once; nothing without any."""
    notices = dict.fromkeys(origin.notice for origin in origins if origin.notice)
    if notices:
        (folder / LICENSE).write_text("\n".join(notices), encoding="utf-8")
