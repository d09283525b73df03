"""Generators of other programs, read and turned into model folders of this package.

Of a file only tensors are read: `.safetensors`; `.pth` through torch's `weights_only`, which refuses a pickle
that would run anything; ncnn's pair of files. What is known by its names:

- the paper's published files and old ESRGAN: `model.0`, `model.1.sub.0.RDB1.conv1.0`, `model.3`, ...;
- ESRGAN's later files: `conv_first`, `RRDB_trunk.0.RDB1.conv1`, `trunk_conv`, `upconv1`, `HRconv`, ...;
- BasicSR, Real-ESRGAN and this package: `conv_first`, `body.0.rdb1.conv1`, `conv_body`, `conv_up1`, ...;

each also inside `params_ema`, `params` or `state_dict`, and behind `module.`, `netG.` or `generator.`. The scale is
4, or 2 or 1 behind a pixel unshuffle, as Real-ESRGAN's x2plus has it; without one, networks of scale 1, 2 and 8 are
refused. All sizes follow from the shapes. Fs-SRGAN comes as two files, generator and extractor (Eq. 10). An extractor
without a trunk convolution gets one that changes nothing.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import OverwriteError, UserError
from ..hub.mixin import mismatches, name_some
from ..hub.tensor_files import read_tensors
from ..hub.transfer import CARD, LIBRARY, MARK
from ..images.atomic import explain_errors, make_folder
from ..models.generators import Generator, RRDBNet
from ..systems import system, system_with
from .ncnn_format import read_ncnn

Weights = dict[str, Tensor]

SCALES: dict[float, int] = {1: 4, 4: 2, 16: 1}
"""Into how many channels Real-ESRGAN's pixel unshuffle splits one -> the scale of such a generator."""

TO_OURS = (
    (r"^model\.0\.", "conv_first."),
    (r"^model\.1\.sub\.RDB", "model.1.sub.0.RDB"),  # one block and nothing after it: no index
    (r"^model\.1\.sub\.(\d+)\.RDB([123])\.conv([1-5])\.0\.", r"body.\1.rdb\2.conv\3."),
    (r"^model\.1\.sub\.\d+\.(weight|bias)$", r"conv_body.\1"),
    (r"^model\.3\.", "conv_up1."),
    (r"^model\.6\.", "conv_up2."),
    (r"^model\.8\.", "conv_hr."),
    (r"^model\.10\.", "conv_last."),
    (r"^RRDB_trunk\.(\d+)\.RDB([123])\.", r"body.\1.rdb\2."),
    (r"^trunk_conv\.", "conv_body."),
    (r"^upconv([12])\.", r"conv_up\1."),
    (r"^HRconv\.", "conv_hr."),
)

README = f"""---
library_name: {LIBRARY}
pipeline_tag: image-to-image
tags:
- super-resolution
---
{MARK}
# {{name}}
x{{scale}} super-resolution with fasrgan_hub: {{kind}} of {{count:,}} parameters ({{sizes}}).
`fasrgan upscale photo.jpg --model FOLDER`, where FOLDER is this folder or the name of its repository.

Imported by `fasrgan import` from {{sources}}. The license of the weights is that of these files.
"""


def import_model(
    files: Sequence[str | Path], output: str | Path | None = None, system_name: str | None = None
) -> Path:
    """Turn foreign files into a model folder (config.json, model.safetensors, README.md); returns the folder.

    Args:
        files: one file; a generator and its extractor in any order; ncnn's .param or .bin, or both.
        output: the folder, created if absent; it must be empty. Default: the first file's name without its ending,
            in the current folder.
        system_name: as for `read_generator`.

    Raises:
        MissingFileError: there is no such file.
        OverwriteError, FileAccessError: the folder is not empty or cannot be written.
        UserError: the files do not hold a generator that can be used.
    """
    paths = [Path(file) for file in files]
    model = read_generator(paths, system_name)
    folder = Path(output) if output else Path(paths[0].stem)
    with explain_errors(f"cannot write into '{folder}'"):
        if any(make_folder(folder).iterdir()):
            raise OverwriteError(f"'{folder}' is not empty; choose another folder with -o")
        # Before the model: save_pretrained does not replace a README.md.
        (folder / CARD).write_text(_card(model, folder.resolve().name, paths), encoding="utf-8")
        model.save_pretrained(folder)
    return folder


def read_generator(files: Sequence[str | Path], system_name: str | None = None) -> Generator:
    """The generator that foreign files hold, in eval mode, float32, on the CPU.

    Args:
        files: as for `import_model`.
        system_name: a row of `SYSTEMS` whose generator it becomes. Default: the first with an RRDB generator and
            as many shared blocks ("esrgan" without, "fs-srgan" with one), or nearly as many.

    Raises UserError, naming the keys, for what is no RRDB generator of scale 4, or of 2 or 1 as Real-ESRGAN has them.
    """
    paths = [Path(file) for file in files]
    weights: Weights = {}
    for path, part in _read_all(paths):
        if len(paths) > 1 and not {"conv_up1.weight", "conv_last.weight"} & part.keys():
            part = _extractor(part, path)
        if repeated := weights.keys() & part.keys():
            raise UserError(
                f"'{path}' repeats {min(repeated)}; give one generator, and its extractor if it has one"
            )
        weights |= part
    return _build(weights, system_name, " and ".join(f"'{path}'" for path in paths))


def _read_all(paths: Sequence[Path]) -> list[tuple[Path, Weights]]:
    """Each file with its weights by our keys; a .param and its .bin count as one file."""
    weights = {}
    for path in paths:
        if pair := _ncnn_pair(path):
            weights[pair[0]] = read_ncnn(*pair)
        else:
            weights[path] = _renamed(read_tensors(path), path)
    return list(weights.items())


def _ncnn_pair(path: Path) -> tuple[Path, Path] | None:
    param, binary = path.with_suffix(".param"), path.with_suffix(".bin")
    return (param, binary) if path == param or (path == binary and param.is_file()) else None


def _checked(tensor: Tensor, key: str, path: Path) -> Tensor:
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or not tensor.is_floating_point():
        raise UserError(f"{key} of '{path}' holds {tensor.dtype} ({tensor.layout}), not plain floats")
    if not tensor.isfinite().all():
        raise UserError(f"{key} of '{path}' is not finite: its training went wrong")
    return tensor.detach().to(torch.float32, copy=True).contiguous()


def _renamed(weights: Weights, path: Path) -> Weights:
    """The weights by our keys, in float32; those that no layout knows keep theirs."""
    ends = [key for key in weights if re.match(r"model\.[1-9]\d*\.weight$", key)]
    if ends and len(ends) != 4:
        raise UserError(
            f"'{path}' enlarges {2 ** max(0, len(ends) - 2)} times; only x4 generators, and x2 and x1 with a pixel "
            "unshuffle, can be used"
        )
    renamed = {}
    for name, tensor in weights.items():
        key = name
        for pattern, ours in TO_OURS:
            key = re.sub(pattern, ours, key)
        if key in renamed:
            raise UserError(f"'{path}' has two tensors for {key}")
        renamed[key] = _checked(tensor, name, path)
    return renamed


def _extractor(weights: Weights, path: Path) -> Weights:
    """The shared extractor's weights by our keys; a trunk convolution that the file lacks becomes the identity."""
    first = weights.get("conv_first.weight")
    if first is None:
        raise UserError(
            f"'{path}' is neither a generator nor an extractor: it has {name_some(sorted(weights))}"
        )
    if "conv_body.weight" not in weights:
        identity = torch.zeros(len(first), len(first), 3, 3)
        identity[:, :, 1, 1] = torch.eye(len(first))
        weights = weights | {"conv_body.weight": identity, "conv_body.bias": torch.zeros(len(first))}
    return {f"extractor.{key}": tensor for key, tensor in weights.items()}


def _build(weights: Weights, system_name: str | None, names: str) -> Generator:
    """A generator of the sizes that these shapes say, with these weights."""
    shared = _blocks(weights, "extractor.body")
    kind = system(system_name) if system_name else system_with(RRDBNet, shared)
    first, dense = weights.get("conv_first.weight"), weights.get("body.0.rdb1.conv1.weight")
    if first is None or dense is None or first.ndim != 4 or dense.ndim != 4:
        raise UserError(f"{names}: no RRDB generator of a known layout; it has {name_some(sorted(weights))}")
    features, inputs = first.shape[:2]
    channels = features if shared else 3
    scale = SCALES.get(inputs / channels)
    if scale is None:
        fits = "give the file of its extractor as well" if inputs == features else "it must be 3, 12 or 48"
        raise UserError(f"{names}: conv_first.weight takes {inputs} channels; {fits}")
    sizes: dict[str, Any] = {"blocks": _blocks(weights, "body"), "features": features, "growth": len(dense)}
    sizes |= {"shared_blocks": shared, "scale": scale}
    try:
        with torch.device("meta"):  # no memory before the file's keys are known to fit
            model = kind.generator(**sizes)
    except TypeError as error:
        raise UserError(f"{names}: an RRDB generator, which {kind.name} does not have") from error
    if problems := mismatches(model.state_dict(), weights):
        raise UserError(f"{names} does not fit {type(model).__name__}: {'; '.join(problems)}")
    model.load_state_dict(weights, assign=True)
    return model.eval()


def _blocks(weights: Weights, body: str) -> int:
    return len({match[1] for key in weights if (match := re.match(rf"{re.escape(body)}\.(\d+)\.", key))})


def _card(model: Generator, name: str, paths: Sequence[Path]) -> str:
    files = dict.fromkeys(file for path in paths for file in _ncnn_pair(path) or (path,))
    config = {key: value for key, value in model.config.items() if key not in {"_model_class", "init"}}
    return README.format(
        name=name,
        scale=model.scale,
        kind=type(model).__name__,
        count=sum(parameter.numel() for parameter in model.parameters()),
        sizes=", ".join(f"{key} {value}" for key, value in config.items()),
        sources=" and ".join(
            f"`{file.name}` (SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()})" for file in files
        ),
    )
