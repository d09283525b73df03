"""torch networks in other formats: ONNX and OpenVINO's intermediate representation, for images of any size.

Input "image" (N, 3, H, W) float32 in [0, 1], output "enlarged" (N, 3, sH, sW) float32, not clamped, s the scale.
"""

import warnings
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

INPUT, OUTPUT = "image", "enlarged"
OPSET = 17


def write_onnx(
    model: nn.Module, path: Path, names: tuple[str, str] = (INPUT, OUTPUT), half: bool = False
) -> None:
    """Write `model` as an ONNX file with dynamic batch, height and width.

    Through TorchScript: the newer exporter makes the same graph, but needs another package and 25 times as long.

    Args:
        names: of input and output, both float32.
        half: compute in float16, with weights of half the size.
    """
    source, result = names
    sizes = {0: "batch", 2: "height", 3: "width"}
    enlarged = {0: "batch", 2: "enlarged_height", 3: "enlarged_width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Half(model).eval() if half else model.eval(),
            (_example(),),
            str(path),
            input_names=[source],
            output_names=[result],
            dynamic_axes={source: sizes, result: enlarged},
            opset_version=OPSET,
            dynamo=False,
        )


class Half(nn.Module):
    """A copy of a network that computes in float16 and takes and gives float32."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = deepcopy(model).half()

    def forward(self, x: Tensor) -> Tensor:
        enlarged: Tensor = self.model(x.half())
        return enlarged.float()


def to_openvino(model: nn.Module) -> Any:
    """`model` as an `openvino.Model`.

    Through OpenVINO's frontend: `openvino.convert_model` would report each call to a server.
    """
    from openvino import PartialShape
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch recommends its own compiler
        traced = torch.jit.trace(model.eval(), _example(), check_trace=False)
    frontend = FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(traced, example_input=_example())
    converted = frontend.convert(frontend.load(decoder))
    converted.inputs[0].get_tensor().set_names({INPUT})
    converted.outputs[0].get_tensor().set_names({OUTPUT})
    converted.reshape(PartialShape([-1, 3, -1, -1]))
    return converted


def _example() -> Tensor:
    return torch.zeros(1, 3, 16, 16)
