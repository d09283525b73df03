"""Importing this module makes `import torchvision` succeed beside a torch that it was not built for.

Such a torchvision fails on import because the operators of its C++ part are missing. spandrel, timm and lpips import
torchvision, but what the tests run of them calls none of its operators: declaring their names is enough.
Import it before those packages; a subprocess gets it by `import torchvision_shim` with `tests` on its path.
"""

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

LIBRARY = torch.library.Library("torchvision", "FRAGMENT")  # kept: its declarations go when it goes
try:
    import torchvision  # noqa: F401
except RuntimeError as error:
    if "torchvision::" not in str(error):
        raise
    for schema in SCHEMAS:
        LIBRARY.define(schema)
except ImportError:
    pass
