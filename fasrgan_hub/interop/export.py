"""Models for other programs: ONNX, OpenVINO and the ESRGAN layout, each compared with torch before it is kept."""

import os
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import FailedError, FileAccessError, UserError
from ..extras import import_extra
from ..images.atomic import replace_files
from ..models.generators import RRDBNet

Run = Callable[[Tensor], Tensor]

LIMITS = {"f32": 1e-3, "f16": 1e-2, "int8": 0.1}
"""By precision, the largest mean difference from torch's result (white is 1) with which a file is kept."""
SIZES = ((40, 56), (61, 33))
GROWTH = 32


@dataclass(frozen=True)
class Exported:
    """The files, and the largest and mean difference of their results from torch's, where white is 1."""

    files: tuple[Path, ...]
    largest: float
    mean: float


def export(
    model: str | Path | nn.Module, output: str | Path, precision: str = "f32", revision: str | None = None
) -> Exported:
    """Write a generator for other programs.

    | ending       | what                                  | precision                                        |
    |--------------|---------------------------------------|--------------------------------------------------|
    | .onnx        | ONNX, any size of image             | f32                                              |
    | .xml         | OpenVINO, any size, with a .bin beside | f32, f16 (weights only, half the size) or int8  |
    | .safetensors | ESRGAN's keys, as chaiNNer, ComfyUI and spandrel read them; RRDB without sharing | f32   |

    ONNX and OpenVINO take "image" (N, 3, H, W) float32 in [0, 1] and give "enlarged" (N, 3, sH, sW), not clamped.

    Args:
        model: a bundled name, a folder, a Hub id or a module.
        output: the file; its ending says what is written.
        precision: of the weights; int8 is calibrated on photographs and takes minutes.
        revision: of a Hub id.

    Raises:
        FileAccessError: the folder cannot be written.
        MissingPackageError: the format needs a package that is not installed.
        FailedError: the written network's results differ from the model's.
        UserError: the ending or the precision is none of these, or the format cannot hold the network.
    """
    output = Path(output)
    if output.suffix.lower() not in FORMATS:
        raise UserError(f"cannot export to '{output}': its name must end in {', '.join(FORMATS)}")
    write, possible = FORMATS[output.suffix.lower()]
    if precision not in possible:
        raise UserError(f"{output.suffix} has no {precision}; it has {', '.join(possible)}")
    if not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        raise FileAccessError(f"cannot write into the folder '{output.parent}'")
    module = load_generator(model, revision)
    with replace_files(output.parent) as folder:  # .bin before .xml, which is of no use without it
        run = write(module, folder / output.name, precision)
        largest, mean = difference(run, module, precision)
        written = tuple(output.parent / file.name for file in sorted(folder.iterdir()))
    return Exported(written, largest, mean)


def load_generator(model: str | Path | nn.Module, revision: str | None) -> nn.Module:
    """The generator of a name, a folder or a Hub id; a module in eval mode."""
    if isinstance(model, nn.Module):
        return model.eval()
    from ..systems import from_pretrained

    return from_pretrained(model, revision=revision)


def _write_onnx(module: nn.Module, path: Path, precision: str) -> Run:
    from ..upscaling.engines.convert import write_onnx

    import_extra("onnxruntime", ".onnx", "onnx")
    write_onnx(module, path)
    return onnx_run(path)


def onnx_run(path: Path) -> Run:
    """What runs an ONNX file of one input and one output."""
    onnxruntime = import_extra("onnxruntime", ".onnx", "onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda x: torch.from_numpy(session.run(None, {name: x.numpy()})[0])


def _write_openvino(module: nn.Module, path: Path, precision: str) -> Run:
    from ..upscaling.engines.convert import to_openvino
    from ..upscaling.engines.int8 import quantize
    from ..upscaling.engines.openvino_core import openvino_core

    ov = import_extra("openvino", ".xml", "openvino")
    converted = quantize(deepcopy(module)) if precision == "int8" else to_openvino(module)
    ov.save_model(converted, path, compress_to_fp16=precision == "f16")
    compiled = openvino_core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda x: torch.from_numpy(compiled(x.numpy())[0])


def _write_safetensors(module: nn.Module, path: Path, precision: str) -> Run:
    from safetensors.torch import load, save

    if not isinstance(module, RRDBNet) or module.extractor is not None or module.scale == 3:
        raise UserError(
            f"the ESRGAN layout cannot hold {type(module).__name__} of scale {getattr(module, 'scale', 4)}, only RRDB "
            "generators of scale 1, 2 or 4 without a shared extractor; export it as .onnx"
        )
    path.write_bytes(save({name: tensor.contiguous() for name, tensor in _widened(module).items()}))
    read = load(path.read_bytes())
    features, blocks = read["conv_first.weight"].shape[0], len(module.body)
    network = RRDBNet(blocks, features, GROWTH, scale=module.scale).eval()
    network.load_state_dict(read)
    return network


def _widened(module: RRDBNet) -> dict[str, Tensor]:
    """The weights with 32 channels for each convolution of a dense block, which is all that spandrel knows.

    Channels that a narrower network lacks have zero weights, also where they are read: the result is the same.
    """
    weights = module.state_dict()
    features, growth = weights["conv_first.weight"].shape[0], weights["body.0.rdb1.conv1.weight"].shape[0]
    if growth > GROWTH:
        raise UserError(f"readers of the ESRGAN layout know at most growth {GROWTH}, not {growth}; use .onnx")
    for name, tensor in weights.items():
        if not (match := re.fullmatch(r"body\..*\.conv(\d)\.(weight|bias)", name)):
            continue
        if match[1] != "5":
            tensor = _padded(tensor, dim=0)
        if match[2] == "weight":
            first, *grown = tensor.split([features] + [growth] * (int(match[1]) - 1), dim=1)
            tensor = torch.cat([first, *(_padded(part, dim=1) for part in grown)], dim=1)
        weights[name] = tensor
    return weights


def _padded(x: Tensor, dim: int) -> Tensor:
    """Zeros appended up to `GROWTH`."""
    shape = [*x.shape[:dim], GROWTH - x.shape[dim], *x.shape[dim + 1 :]]
    return torch.cat((x, x.new_zeros(shape)), dim)


@torch.inference_mode()
def difference(run: Run, module: nn.Module, precision: str) -> tuple[float, float]:
    """Largest and mean difference between `run` and torch on photographs of two sizes.

    Raises FailedError if the mean is above the limit of the precision.
    """
    from ..upscaling.engines.int8 import calibration_crops

    crops = [torch.from_numpy(crop.copy()) for crop in calibration_crops()[8:10]]
    images = [crop[:, :, :height, :width] for crop, (height, width) in zip(crops, SIZES, strict=True)]
    off = torch.cat([(run(x) - module(x)).abs().flatten() for x in images])
    largest, mean = off.max().item(), off.mean().item()
    if not mean <= LIMITS[precision]:
        raise FailedError(f"the exported network is {mean:.3g} off torch's result in the mean; not written")
    return largest, mean


FORMATS: dict[str, tuple[Callable[[nn.Module, Path, str], Run], tuple[str, ...]]] = {
    ".onnx": (_write_onnx, ("f32",)),
    ".xml": (_write_openvino, ("f32", "f16", "int8")),
    ".safetensors": (_write_safetensors, ("f32",)),
}
"""By ending, what writes the file, and the precisions that it can have."""
