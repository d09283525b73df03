"""Saving, loading and publishing of every network: `PyTorchModelHubMixin`, made strict and quiet.

A model folder holds `config.json` (the class and its arguments) and `model.safetensors`; a discriminator lies in
the sub-folder `discriminator/` of its generator. A name is looked up as a local folder, then as a model bundled
with the package, then as a repository on the Hub.

Deliberate differences from the mixin: a missing, extra or wrongly shaped key is an error that names it; only
safetensors are read; nothing is printed; a README is written once and never overwritten by a push.
"""

import json
from pathlib import Path
from typing import Any, TypeVar, cast

from huggingface_hub import PyTorchModelHubMixin, hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..errors import UserError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
BUNDLED = Path(__file__).parent.parent / "weights"

Model = TypeVar("Model", bound="HubModel")


class HubModel(
    nn.Module,
    PyTorchModelHubMixin,
    library_name="fasrgan_hub",
    pipeline_tag="image-to-image",
    tags=["super-resolution"],
):
    """A network that the Hub can hold. Its configuration is the arguments of its constructor."""

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any) -> str | None:
        """Write config.json and model.safetensors (and a minimal README.md where there is none)."""
        kwargs.setdefault("config", self.config)
        return super().save_pretrained(save_directory, **kwargs)

    def _save_pretrained(self, save_directory: Path) -> None:
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.state_dict().items()}
        partial = save_directory / f".{WEIGHTS}.partial"
        save_file(weights, partial, metadata={"format": "pt"})
        partial.replace(save_directory / WEIGHTS)

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds: the class name under `_model_class` and every constructor argument."""
        return {"_model_class": type(self).__name__} | cast(dict[str, Any], self._hub_mixin_config or {})

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls: type[Model], name: str | Path, *, subfolder: str = "", **download: Any
    ) -> Model:
        """Load a network in eval mode on the CPU.

        Args:
            name: a local folder, a bundled model's name or a Hub id.
            subfolder: where in it the network lies ("discriminator", say).
            download: `revision`, `token`, `cache_dir`, `force_download`, `local_files_only` of
                `huggingface_hub.hf_hub_download`.

        Raises UserError when there is no such model, no network, or a file that does not fit this class.
        """
        config = read_config(name, subfolder=subfolder, **download)
        saved = config.pop("_model_class", cls.__name__)
        if saved != cls.__name__:
            raise UserError(
                f"'{name}' holds {saved}, not {cls.__name__}; load it with {saved}.from_pretrained or "
                "fasrgan_hub.from_pretrained"
            )
        try:
            model = cls(**config)
        except (TypeError, ValueError) as error:
            raise UserError(f"{CONFIG} of '{name}' does not describe {cls.__name__}: {error}") from error
        load_weights(model, find_file(name, WEIGHTS, subfolder=subfolder, **download))
        return model.eval()


def read_config(name: str | Path, *, subfolder: str = "", **download: Any) -> dict[str, Any]:
    """The content of a model's config.json."""
    path = find_file(name, CONFIG, subfolder=subfolder, **download)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{CONFIG} of '{name}' is not valid JSON: {error}") from error
    if not isinstance(config, dict):
        raise UserError(f"{CONFIG} of '{name}' holds no object")
    return config


def load_weights(model: nn.Module, path: Path) -> None:
    """Fill `model` from a safetensors file. Every key must be there, none more, each of the right shape."""
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"'{path}' is not a safetensors file, or is damaged: {error}") from error
    problems = _mismatches(model.state_dict(), weights)
    if problems:
        raise UserError(f"'{path}' does not fit {type(model).__name__}: {'; '.join(problems)}")
    model.load_state_dict(weights)


def _mismatches(expected: dict[str, Tensor], found: dict[str, Tensor]) -> list[str]:
    def some(names: list[str]) -> str:
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    missing = [name for name in expected if name not in found]
    extra = [name for name in found if name not in expected]
    wrong = [
        f"{name} {tuple(found[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in found and found[name].shape != tensor.shape
    ]
    kinds = {"missing": missing, "unexpected": extra, "wrong shape": wrong}
    return [f"{kind}: {some(names)}" for kind, names in kinds.items() if names]


def bundled_models() -> list[str]:
    """The names of the models that come with the package."""
    return sorted(path.parent.name for path in BUNDLED.glob(f"*/{CONFIG}"))


def find_file(name: str | Path, filename: str, *, subfolder: str = "", **download: Any) -> Path:
    """The local path of one file of a model: in a folder, bundled, or downloaded from the Hub."""
    for folder in (Path(name), BUNDLED / str(name)):
        if folder.is_dir():
            path = folder / subfolder / filename
            if path.is_file():
                return path
            raise UserError(_absent(name, path.parent, filename))
    known = f"Bundled models: {', '.join(bundled_models())}."
    if "/" not in str(name) or str(name).startswith((".", "/", "~")):
        raise UserError(f"there is no model '{name}'. {known} A folder or a Hub id (owner/name) works too.")
    try:
        return Path(hf_hub_download(str(name), filename, subfolder=subfolder or None, **download))
    except HFValidationError as error:
        raise UserError(f"'{name}' is neither a folder nor a Hub id (owner/name). {known}") from error
    except GatedRepoError as error:
        raise UserError(
            f"'{name}' is gated: ask for access on its Hub page, then run `hf auth login`"
        ) from error
    except RevisionNotFoundError as error:
        raise UserError(f"'{name}' has no revision '{download.get('revision')}' on the Hub") from error
    except RepositoryNotFoundError as error:
        raise UserError(
            f"there is no model '{name}' on the Hub (or it is private: run `hf auth login`)"
        ) from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled) as error:
        raise UserError(
            f"'{name}' is not in the local cache and the Hub cannot be reached. {known}"
        ) from error
    except EntryNotFoundError as error:
        raise UserError(f"'{name}' on the Hub has no {filename}; only safetensors models load") from error
    except (HfHubHTTPError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"'{name}' could not be downloaded from the Hub: {reason}") from error


def _absent(name: str | Path, folder: Path, filename: str) -> str:
    pickles = sorted(
        path.name for path in folder.glob("*") if path.suffix in {".bin", ".pth", ".pt", ".ckpt"}
    )
    if filename == WEIGHTS and pickles:
        return f"'{name}' holds {pickles[0]}, a pickle, which can run code; only {WEIGHTS} is loaded"
    return f"'{name}' has no {filename if folder.is_dir() else f'folder {folder.name}/'}"
