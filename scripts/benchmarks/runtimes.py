"""The runtimes that `upscaling` compares: arrays (N, 3, h, w) -> (N, 3, 4h, 4w), with the same weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fasrgan_hub.errors import UserError
from fasrgan_hub.upscaling.engines import make_engine
from fasrgan_hub.upscaling.engines.choice import Choice, cores, cpu_has_bf16
from fasrgan_hub.upscaling.engines.network import find_network

Run = Callable[[np.ndarray], np.ndarray]

NCNN, ONNX = "ncnn f32", "onnx f32"
FLOOR_SIDE = 1536


def ours(model: str, names: list[str]) -> dict[str, Run]:
    """The package's engines by names such as "openvino bf16"; bf16 is left out where the CPU has none."""
    runs = {}
    for name in names:
        engine, precision = name.split()
        if precision != "bf16" or cpu_has_bf16():
            runs[name] = make_engine(find_network(model), Choice(engine, precision))
    return runs


def eager(model: nn.Module) -> tuple[str, Run]:
    """PyTorch as most programs run it, f32 in torch's usual memory format: through spandrel, if that can hold it."""
    try:
        import spandrel

        network = spandrel.ModelLoader("cpu").load_from_state_dict(dict(model.state_dict())).model
        name = "spandrel, f32"
    except Exception:  # not installed; an unknown network; one that it takes for another and cannot load
        network, name = model, "torch as it is, f32"
    network.eval()

    @torch.inference_mode()
    def run(x: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(x)).numpy()

    return name, run


def ncnn(param: Path) -> Run:
    """PyPI's ncnn on a .param file with the .bin beside it, all in f32."""
    try:
        import ncnn as library
    except ImportError as error:
        raise UserError("ncnn is not installed: pip install ncnn") from error
    net = library.Net()
    net.opt.num_threads = cores()
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, option, False)
    if net.load_param(str(param)) or net.load_model(str(param.with_suffix(".bin"))):
        raise UserError(f"ncnn cannot load '{param}'")
    first, last = net.input_names()[0], net.output_names()[0]

    def run(x: np.ndarray) -> np.ndarray:
        with net.create_extractor() as extractor:
            extractor.input(first, library.Mat(np.ascontiguousarray(x[0])).clone())
            return extractor.extract(last)[1].numpy().copy()[None]

    return run


def floors() -> dict[str, Callable[[Any], Any]]:
    """A bare product of two matrices of FLOOR_SIDE in each type: a yardstick for how fast this CPU multiplies."""
    a = torch.rand(FLOOR_SIDE, FLOOR_SIDE)
    low, small = a.bfloat16(), (a * 100).to(torch.int8)
    runs: dict[str, Callable[[Any], Any]] = {
        "int8": lambda _: torch._int_mm(small, small),
        "f32": lambda _: a @ a,
    }
    return runs | ({"bf16": lambda _: low @ low} if cpu_has_bf16() else {})
