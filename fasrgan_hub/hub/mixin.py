"""Saving, loading and publishing of every network: `PyTorchModelHubMixin`, made strict and quiet.

A model folder holds `config.json` (the class and the arguments of its constructor) and `model.safetensors`; the
discriminator is in its subfolder `discriminator/`, the error estimator in `difficulty/`. `model_files` says what a
name stands for.

Deliberate differences from the mixin: a missing, extra or wrongly shaped key is an error that names it; only
safetensors are read; nothing is printed; a push is one commit and never replaces a README that was written by hand.
"""

from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, TypeVar, cast

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from ..errors import UserError
from ..images.atomic import replace_files
from .model_files import CONFIG, WEIGHTS, ModelFiles, model_files
from .tensor_files import read_metadata, read_safetensors, write_safetensors
from .transfer import CARD, LIBRARY, MARK, PAPER, upload

NOT_SIZES = ("_model_class", "siblings", "ancestor")
"""What config.json holds besides the arguments of the constructor."""
MOST_BLOCKS = 128
"""The most residual blocks of each kind that config.json may ask for (the paper's deepest network has 23)."""

CARD_TEMPLATE = f"""---
{{{{ card_data }}}}
---
{MARK}
# Super-resolution with fasrgan_hub

A network of fasrgan_hub (`pip install fasrgan-hub`) after [FASRGAN]({PAPER}). A generator enlarges images:
`fasrgan upscale photo.jpg --model MODEL`, where MODEL is the name of this repository or folder, or in Python
`fasrgan_hub.from_pretrained(MODEL)`.
"""

Model = TypeVar("Model", bound="HubModel")


class HubModel(
    nn.Module,
    PyTorchModelHubMixin,
    library_name=LIBRARY,
    pipeline_tag="image-to-image",
    tags=["super-resolution"],
    model_card_template=CARD_TEMPLATE,
):
    """A network with `from_pretrained`, `save_pretrained` and `push_to_hub`.

    Its configuration is the arguments of its constructor. The attribute `license`, of the Hub's list or empty, is
    kept with the weights. `ancestor` is config.json's: between networks with different ones lie no weights that work.
    """

    license: str = ""
    ancestor: str = ""

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any) -> str | None:
        """Write config.json and model.safetensors (and a minimal README.md where there is none).

        Each file is replaced when it is complete: a folder that could be loaded before can be loaded at every moment,
        also if the program is killed.
        """
        folder = Path(save_directory)
        kwargs["config"] = kwargs.get("config") or self.config
        with replace_files(folder) as partial:
            url = super().save_pretrained(partial, **{"repo_id": folder.name, **kwargs})
            if (folder / CARD).exists():
                (partial / CARD).unlink()
        return url

    def _save_pretrained(self, save_directory: Path) -> None:
        weights = {name: tensor.detach().cpu().contiguous() for name, tensor in self.state_dict().items()}
        about = {
            "architecture": type(self).__name__,
            "scale": self.config.get("scale"),
            "license": self.license,
        }
        metadata = {name: str(value) for name, value in about.items() if value}
        write_safetensors(weights, save_directory / WEIGHTS, metadata)

    def push_to_hub(  # type: ignore[override]
        self,
        repo_id: str,
        *,
        subfolder: str = "",
        commit_message: str | None = None,
        config: dict[str, Any] | None = None,
        model_card_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> str:
        """Publish this network in one commit and return the commit's URL. A README.md written by hand is kept.

        A discriminator is published beside its generator with `subfolder="discriminator"`. `config` and
        `model_card_kwargs` are those of the mixin's `save_pretrained`. The options (`private`, `branch`, `create_pr`,
        `overwrite_card`, `token`) and the errors are those of `fasrgan_hub.hub.transfer.upload`.
        """
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder, config=config, model_card_kwargs=model_card_kwargs)
            names = (CONFIG, WEIGHTS) if subfolder else (CONFIG, WEIGHTS, CARD)
            return upload(
                {str(PurePosixPath(subfolder, name)): Path(folder, name) for name in names},
                repo_id,
                message=commit_message or f"Upload {type(self).__name__} with fasrgan_hub",
                **options,
            )

    @property
    def config(self) -> dict[str, Any]:
        """What config.json holds: the class name under `_model_class` and every constructor argument."""
        return {"_model_class": type(self).__name__} | cast(dict[str, Any], self._hub_mixin_config or {})

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls: type[Model], name: str | Path | ModelFiles, *, subfolder: str = "", **download: Any
    ) -> Model:
        """Load a network in eval mode on the CPU.

        Args:
            name: a local folder, a bundled model's name or a Hub id; or what `model_files` gave for one.
            subfolder: where in it the network lies ("discriminator", say).
            download: `revision`, `token`, `cache_dir`, `force_download`, `local_files_only` of
                `huggingface_hub.hf_hub_download`.

        Raises:
            MissingFileError, NetworkError, AccessDeniedError: the model's files cannot be had.
            UserError: they hold another class, or do not fit this one; keys that do not fit are named.
        """
        files = model_files(name, subfolder=subfolder, **download)
        if files.class_name != cls.__name__:
            raise UserError(
                f"'{files.name}' holds {files.class_name}, not {cls.__name__}; load it with "
                f"{files.class_name}.from_pretrained or fasrgan_hub.from_pretrained"
            )
        sizes = {key: value for key, value in files.config.items() if key not in NOT_SIZES}
        try:
            _check_depth(sizes)
            # No memory before the weights are known to fit: config.json may ask for any size.
            with torch.device("meta"):
                model = cls(**sizes)
        except (TypeError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"{CONFIG} of '{files.name}' does not describe {cls.__name__}: {reason}"
            ) from error
        load_weights(model, files.weights)
        model.license = read_metadata(files.weights).get("license", "")
        model.ancestor = str(files.config.get("ancestor", ""))
        return model.eval()


def _check_depth(config: dict[str, Any]) -> None:
    for name, value in config.items():
        if name.endswith("blocks") and isinstance(value, int) and value > MOST_BLOCKS:
            raise ValueError(f"{name} is {value}; no network has more than {MOST_BLOCKS}")


def load_weights(model: nn.Module, path: Path) -> None:
    """Load a safetensors file into `model`, which may be on the meta device.

    Raises UserError for a damaged file, and unless its keys and shapes are exactly those of the model.
    """
    remedy = "replace it, or delete it if it came from the Hub: it is then fetched again"
    weights = read_safetensors(path.resolve(), remedy)
    problems = mismatches(model.state_dict(), weights)
    if problems:
        raise UserError(f"'{path}' does not fit {type(model).__name__}: {'; '.join(problems)}")
    model.to_empty(device="cpu")
    model.load_state_dict(weights)


def mismatches(expected: dict[str, Tensor], weights: dict[str, Tensor]) -> list[str]:
    """Why `weights` do not fit a network with the state dictionary `expected`, in words; empty if they fit."""

    missing = [name for name in expected if name not in weights]
    extra = [name for name in weights if name not in expected]
    wrong = [
        f"{name} {tuple(weights[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in weights and weights[name].shape != tensor.shape
    ]
    kinds = {"missing": missing, "unexpected": extra, "wrong shape": wrong}
    return [f"{kind}: {name_some(names)}" for kind, names in kinds.items() if names]


def name_some(keys: list[str]) -> str:
    """The first three of many keys, and how many more there are."""
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
