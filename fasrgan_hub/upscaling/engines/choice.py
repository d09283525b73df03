"""Which runtime computes, in which precision and on which device.

The order on a CPU is fixed, so that the same installation always chooses the same. It was measured with
`python scripts/benchmark.py upscaling`: OpenVINO before torch if the CPU multiplies bfloat16, OpenVINO before
onnxruntime before torch if not. int8 is never chosen by default, because its loss of quality is visible.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ...errors import MissingPackageError, UserError

if TYPE_CHECKING:
    import torch

PACKAGES = {"openvino": "openvino", "torch": "torch", "onnx": "onnxruntime"}
PRECISIONS = {"openvino": ("f32", "bf16", "int8"), "torch": ("f32", "bf16", "f16"), "onnx": ("f32",)}
DRIVERS = ("/dev/nvidiactl", "/dev/nvmap", "/dev/kfd", "/dev/dxg")
"""Without any of these devices (NVIDIA, Jetson, AMD, WSL) Linux has no accelerator for torch."""


@dataclass(frozen=True)
class Choice:
    """A runtime, a precision and a torch device; as text it is `Upscaler.engine_name`."""

    engine: str
    precision: str
    device: str = "cpu"

    @property
    def uncalibrated(self) -> str | None:
        """The precision for a network that int8 was not calibrated for, as an argument of `choose`."""
        return None if self.precision == "int8" else self.precision

    def __str__(self) -> str:
        where = "" if self.device == "cpu" else f" on {self.device}"
        return f"{self.engine} {self.precision}{where}"


def choose(
    engine: str = "auto",
    precision: str | None = None,
    device: str | torch.device | None = None,
    foreign: bool = False,
) -> Choice:
    """The choice for this machine, where the arguments leave it open.

    Args:
        engine: "auto", "torch", "openvino" or "onnx".
        precision: "f32", "bf16", "f16", "int8" or None. None takes f16 on an accelerator, bf16 on a CPU that
            multiplies it in hardware, else f32.
        device: a torch device; None takes CUDA, then MPS, then the CPU. OpenVINO and onnxruntime use the CPU.
        foreign: the network is a module that is not of this package, which may do anything: "auto" is then torch,
            and None f32.

    Raises UserError for an unknown name, a combination that does not exist, or a package that is not installed.
    """
    if engine not in ("auto", *PACKAGES):
        raise UserError(f"there is no engine '{engine}'; there are auto, {', '.join(PACKAGES)}")
    if precision not in (None, "f32", "bf16", "f16", "int8"):
        raise UserError(f"there is no precision '{precision}'; there are f32, bf16, f16 and int8")
    where = _device(engine, device)
    if engine == "auto":
        engine = "torch" if foreign or where != "cpu" else _fastest(precision)
    if find_spec(PACKAGES[engine]) is None:
        raise MissingPackageError(f"engine '{engine}' is not installed: pip install 'fasrgan-hub[{engine}]'")
    if engine != "torch" and where != "cpu":
        raise UserError(f"engine '{engine}' runs on the CPU; only torch runs on '{where}'")
    if precision is None:
        precision = "f32" if foreign else _best_precision(engine, where)
    if precision not in PRECISIONS[engine]:
        raise UserError(f"engine '{engine}' has no {precision}; it has {', '.join(PRECISIONS[engine])}")
    if engine == "openvino" and precision == "bf16" and not cpu_has_bf16("openvino"):
        raise UserError("this CPU does not multiply bf16; use f32 or int8")
    return Choice(engine, precision, where)


def cpu_has_bf16(engine: str = "torch") -> bool:
    """Whether the CPU multiplies bfloat16 in hardware, by what a runtime reports; otherwise bf16 is slower than f32."""
    if engine == "openvino":
        from .openvino_core import openvino_core

        return "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def cores() -> int:
    """How many threads compute, by torch.set_num_threads or OMP_NUM_THREADS; 0 is one per physical core."""
    if torch := sys.modules.get("torch"):
        return torch.get_num_threads()
    threads = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(threads) if threads.isdecimal() else 0


def _device(engine: str, device: str | torch.device | None) -> str:
    if device is not None:
        return "cpu" if str(device).partition(":")[0] == "cpu" else str(device)
    if engine in ("openvino", "onnx") or not _may_have_accelerator():
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def _may_have_accelerator() -> bool:
    """Whether torch must look for one: loading torch takes longer than enlarging a small image."""
    return sys.platform != "linux" or "torch" in sys.modules or any(map(os.path.exists, DRIVERS))


def _fastest(precision: str | None) -> str:
    if precision == "f16":
        return "torch"
    if precision == "int8" or find_spec(PACKAGES["openvino"]):
        return "openvino"
    bf16 = precision == "bf16" or (precision is None and cpu_has_bf16())
    return "onnx" if find_spec(PACKAGES["onnx"]) and not bf16 else "torch"


def _best_precision(engine: str, device: str) -> str:
    if engine == "torch" and device != "cpu":
        return "f16"
    return "bf16" if engine != "onnx" and cpu_has_bf16(engine) else "f32"
