"""The error estimator of a model as ONNX, for pages that show where a result is likely wrong."""

import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import FailedError
from ..extras import import_extra
from ..models.error_estimator import FACTS, ErrorEstimator, image_facts
from ..upscaling.engines.convert import INPUT, OPSET

GRAPHS = {"damage": "damage.onnx", "error": "error_map.onnx"}
"""By output, the files."""
INPUTS = {"damage": (INPUT,), "error": ("result", INPUT, "damage")}
LIMIT = 0.02
"""The largest mean difference from torch's map, in gray levels, with which the files are kept."""
AXES = {
    INPUT: {2: "height", 3: "width"},
    "result": {2: "enlarged_height", 3: "enlarged_width"},
    "error": {2: "enlarged_height", 3: "enlarged_width"},
}


class Damage(nn.Module):
    """`ErrorEstimator.damage_of`, with the number of facts in the graph, which the exporter cannot derive."""

    def __init__(self, estimator: ErrorEstimator):
        super().__init__()
        self.damage = estimator.damage

    def forward(self, small: Tensor) -> Tensor:
        damage: Tensor = self.damage(image_facts(small).reshape(1, FACTS))
        return damage


def write_error_map(estimator: ErrorEstimator, folder: Path) -> None:
    """Write an estimator as two ONNX files, so that a page can compute the map in tiles.

    | file           | inputs                                          | output                           |
    |----------------|-------------------------------------------------|----------------------------------|
    | damage.onnx    | the whole "image" (1, 3, H, W)                   | "damage" (1, 1)                  |
    | error_map.onnx | "result" (1, 3, sH, sW), "image", "damage"      | "error" (1, 1, sH, sW), in 0-255 |

    Images are in [0, 1]; the last three may be those of a tile. Raises FailedError if the map differs from torch's.
    """
    result, small = _example(estimator.scale, 24, 24)
    estimator.eval()
    _write(Damage(estimator).eval(), (small,), folder, "damage")
    _write(estimator, (result, small, torch.zeros(1, 1)), folder, "error")
    _compare(estimator, folder)


def _write(module: nn.Module, inputs: tuple[Tensor, ...], folder: Path, output: str) -> None:
    names = INPUTS[output]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            inputs,
            str(folder / GRAPHS[output]),
            input_names=[*names],
            output_names=[output],
            dynamic_axes={name: AXES[name] for name in (*names, output) if name in AXES},
            opset_version=OPSET,
            dynamo=False,
        )


@torch.inference_mode()
def _compare(estimator: ErrorEstimator, folder: Path) -> None:
    onnxruntime = import_extra("onnxruntime", ".onnx", "onnx")
    result, small = _example(estimator.scale, 31, 45)
    values = {"result": result.numpy(), INPUT: small.numpy()}
    for output, name in GRAPHS.items():
        session = onnxruntime.InferenceSession(folder / name, providers=["CPUExecutionProvider"])
        (values[output],) = session.run([output], {each: values[each] for each in INPUTS[output]})
    off = float(np.abs(values["error"] - estimator(result, small).numpy()).mean())
    if not off <= LIMIT:
        raise FailedError(f"the exported error map is {off:.3g} gray levels off torch's; not written")


def _example(scale: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """A result of noise and its small image, both of smooth and of rough parts."""
    result = torch.rand(1, 3, scale * height, scale * width, generator=torch.Generator().manual_seed(0))
    result = result * torch.linspace(0, 1, scale * width)
    return result, torch.nn.functional.avg_pool2d(result, scale)
