"""A network under onnxruntime, on the CPU."""

from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .choice import Choice, cores
from .network import Engine, Network
from .network_cache import cached_folder

MODEL = "model.onnx"


def onnx_engine(network: Network, choice: Choice) -> Engine:
    """The network in f32. It is converted once; `network_cache` says where to."""
    import onnxruntime

    def write(folder: Path) -> None:
        from .convert import write_onnx

        write_onnx(network.load(), folder / MODEL)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = cores()
    with TemporaryDirectory() as scratch:
        folder = cached_folder(network, f"onnx-torch-{version('torch')}", write, Path(scratch))
        session = onnxruntime.InferenceSession(folder / MODEL, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(x: np.ndarray) -> np.ndarray:
        return session.run(None, {name: np.ascontiguousarray(x)})[0]

    return run
