"""Other people's packages import torchvision, of which this one needs nothing.

A torchvision built for another torch fails on import, because operators of its C++ part are missing; none of the
architectures and metrics that are used from here calls them. Declaring their names lets the import through.
"""

SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


def let_torchvision_in() -> None:
    """Make `import torchvision` work in this process, whatever build of it is installed."""
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name, schema in SCHEMAS.items():
            if not hasattr(torch.ops.torchvision, name):
                library.define(schema)
        _kept.append(library)
    except ImportError:
        return


_kept: list[object] = []  # a library takes its declarations along when it goes
