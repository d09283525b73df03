"""The error estimator of a model as ONNX, for pages that show where a result is likely wrong."""

import warnings
from pathlib import Path

import numpy as np
import torch

from ..errors import FailedError
from ..extras import import_extra
from ..models.error_estimator import ErrorEstimator
from ..upscaling.engines.convert import OPSET

INPUTS, OUTPUT = ("result", "image"), "error"
LIMIT = 0.02
"""The largest mean difference from torch's map, in gray levels, with which a file is kept."""


def write_error_map(estimator: ErrorEstimator, path: Path) -> None:
    """Write an estimator as ONNX: "result" (1, 3, sH, sW) and "image" (1, 3, H, W) in [0, 1] -> "error" (1, 1, sH, sW).

    The output is in gray levels, 0 to 255. Raises FailedError if the written network's map differs from torch's.
    """
    sides = {2: "height", 3: "width"}
    enlarged = {dim: f"enlarged_{name}" for dim, name in sides.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            estimator.eval(),
            _example(estimator.scale, 24, 24),
            str(path),
            input_names=[*INPUTS],
            output_names=[OUTPUT],
            dynamic_axes={"result": enlarged, "image": sides, OUTPUT: enlarged},
            opset_version=OPSET,
            dynamo=False,
        )
    _compare(estimator, path)


@torch.inference_mode()
def _compare(estimator: ErrorEstimator, path: Path) -> None:
    onnxruntime = import_extra("onnxruntime", ".onnx", "onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = _example(estimator.scale, 31, 45)
    (ours,) = session.run([OUTPUT], {name: x.numpy() for name, x in zip(INPUTS, inputs, strict=True)})
    off = float(np.abs(ours - estimator(*inputs).numpy()).mean())
    if not off <= LIMIT:
        raise FailedError(f"the exported error map is {off:.3g} gray levels off torch's; not written")


def _example(scale: int, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A result of noise and its small image, both of smooth and of rough parts."""
    result = torch.rand(1, 3, scale * height, scale * width, generator=torch.Generator().manual_seed(0))
    result = result * torch.linspace(0, 1, scale * width)
    return result, torch.nn.functional.avg_pool2d(result, scale)
