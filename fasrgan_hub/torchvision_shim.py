"""Other people's packages import torchvision, of which this one needs nothing.

A torchvision built for another torch fails on import, because operators of its C++ part are missing; none of the
architectures and metrics that are used from here calls them. Declaring their names lets the import through.
"""

from importlib import import_module
from types import ModuleType

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_kept: list[object] = []  # a library takes its declarations along when it goes


def imported(name: str) -> ModuleType:
    """The module `name` of somebody else, whatever build of torchvision it finds; ImportError if there is none."""
    try:
        return import_module(name)
    except RuntimeError as error:
        if "torchvision::" not in str(error) or _kept:
            raise
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in SCHEMAS:
        library.define(schema)
    _kept.append(library)
    return import_module(name)
