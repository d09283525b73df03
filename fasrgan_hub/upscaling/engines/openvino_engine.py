"""A network under OpenVINO, on the CPU."""

import logging
import os
import threading
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .choice import Choice, cores, cpu_has_bf16
from .network import Network
from .network_cache import kept
from .overflow import Run, guarded

logger = logging.getLogger(__name__)

MODEL = "model.xml"


def openvino_engine(network: Network, choice: Choice) -> Run:
    """The network in f32, bf16 or int8. It is converted, and for int8 calibrated, once; `store` says where to."""
    run = _run(network, choice)
    if choice.precision == "f32":
        return run
    exact = replace(choice, precision="f32")
    return guarded(run, lambda: _run(network, exact), str(choice))


def _run(network: Network, choice: Choice) -> Run:
    import openvino as ov

    low = choice.precision == "bf16" or (choice.precision == "int8" and cpu_has_bf16("openvino"))
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if low else "f32",
        "INFERENCE_NUM_THREADS": cores(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    with TemporaryDirectory(
        ignore_cleanup_errors=True
    ) as scratch:  # Windows keeps what is mapped into memory
        folder = converted(network, choice.precision == "int8", Path(scratch))
        if folder.parent != Path(scratch) and os.access(folder, os.W_OK):
            settings["CACHE_DIR"] = str(
                folder
            )  # what is compiled lies there too: the next start is 5 times quicker
        request = ov.Core().compile_model(folder / MODEL, "CPU", settings).create_infer_request()
    one_at_a_time = threading.Lock()

    def run(x: np.ndarray) -> np.ndarray:
        with one_at_a_time:
            return request.infer({0: np.ascontiguousarray(x)}, share_inputs=True)[0]

    return run


def converted(network: Network, int8: bool, scratch: Path) -> Path:
    """The folder that holds the network as `model.xml` and `model.bin`, made if there is none yet."""
    import openvino as ov

    from .int8 import RECIPE, quantize

    version = ov.__version__.split("-")[0]

    def make_f32(folder: Path) -> None:
        from .convert import to_openvino

        ov.save_model(to_openvino(network.load()), folder / MODEL, compress_to_fp16=False)

    def make_int8(folder: Path) -> None:
        logger.warning("calibrating the network for int8: this takes minutes, once")
        ov.save_model(quantize(network.load()), folder / MODEL, compress_to_fp16=False)

    if int8:
        return kept(network, f"openvino-{version}-int8-{RECIPE}", make_int8, scratch, precious=True)
    return kept(network, f"openvino-{version}", make_f32, scratch)
