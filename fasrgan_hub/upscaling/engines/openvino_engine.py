"""A network under OpenVINO, on the CPU."""

import logging
import os
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .choice import Choice, cores, cpu_has_bf16
from .network import Engine, Network
from .network_cache import cached_folder
from .openvino_core import openvino_core

logger = logging.getLogger(__name__)

MODEL = "model.xml"


def openvino_engine(network: Network, choice: Choice) -> Engine:
    """The network in f32, bf16 or int8. It is converted (and calibrated) once; `network_cache` says where to."""
    low = choice.precision == "bf16" or (choice.precision == "int8" and cpu_has_bf16("openvino"))
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if low else "f32",
        "INFERENCE_NUM_THREADS": cores(),
        "PERFORMANCE_HINT": "LATENCY",
    }
    # Windows cannot remove files that are mapped into memory, hence ignore_cleanup_errors.
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = _converted(network, choice.precision == "int8", Path(scratch))
        if folder.parent != Path(scratch) and os.access(folder, os.W_OK):
            settings["CACHE_DIR"] = str(
                folder
            )  # also keeps the compiled network: the next start is 5 times as fast
        request = openvino_core().compile_model(folder / MODEL, "CPU", settings).create_infer_request()
    one_at_a_time = threading.Lock()

    def run(x: np.ndarray) -> np.ndarray:
        with one_at_a_time:
            return request.infer({0: np.ascontiguousarray(x)}, share_inputs=True)[0]

    return run


def _converted(network: Network, int8: bool, scratch: Path) -> Path:
    """The folder that holds the network as `model.xml` and `model.bin`; it is made if there is none."""
    import openvino as ov

    from .int8 import RECIPE, quantize

    def write(folder: Path) -> None:
        from .convert import to_openvino

        if int8:
            logger.warning("calibrating the network for int8; this takes minutes, once")
        model = (quantize if int8 else to_openvino)(network.load())
        ov.save_model(model, folder / MODEL, compress_to_fp16=False)

    name = f"openvino-{ov.__version__.split('-')[0]}" + (f"-int8-{RECIPE}" if int8 else "")
    return cached_folder(network, name, write, scratch, slow=int8)
