"""Whose weights a model began with: the base model, the license and the notice that its card and folder must name."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml
from huggingface_hub import ModelCard

from ..errors import UserError
from .model_files import LICENSE, ModelFiles
from .transfer import CARD


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


def write_notice(folder: Path, origins: Iterable[Origin]) -> list[str]:
    """Write the LICENSE of a model whose weights began with others', with each of their notices once.

    Returns the names of the files: none without a notice.
    """
    notices = dict.fromkeys(origin.notice for origin in origins if origin.notice)
    if not notices:
        return []
    (folder / LICENSE).write_text("\n".join(notices), encoding="utf-8")
    return [LICENSE]
