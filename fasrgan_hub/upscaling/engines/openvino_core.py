"""OpenVINO's entry point, one for the whole process."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import openvino


@cache
def openvino_core() -> "openvino.Core":
    """The `openvino.Core` of this process, which is never released.

    The CPU plugin gives the thread that loads it an alternate stack for signals, and unmaps it when its Core is
    released. If another thread does that, as one of a server may, the next signal ends the process (seen with
    OpenVINO 2026.4).
    """
    import openvino

    return openvino.Core()
