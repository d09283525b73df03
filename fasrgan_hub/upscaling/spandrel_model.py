"""Other programs' networks, of any architecture that spandrel knows: Compact, SPAN, DAT, SwinIR, RealPLKSR and more.

spandrel finds out the architecture and its sizes from the keys of the weights. Such a network runs under torch.
"""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import FailedError, MissingPackageError, UserError, is_out_of_memory
from ..extras import import_extra
from ..hub.model_files import UNSHUFFLE
from ..hub.tensor_files import read_tensors

CONVOLUTIONS, ATTENTION = 13, 26
"""The least context, as the number of ESRGAN's residual blocks, of 15 convolutions each, that need as much: 32 and 65
pixels (`tiles.default_overlap`)."""
WINDOW = 32
"""Attention looks at windows of 8, 16 or 32 pixels: tiles that start at multiples of this see those of the image."""
OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
"""Those without which a torchvision that was built for another torch cannot be imported. Nothing here calls them."""


class SpandrelModel(nn.Module):
    """A network in eval mode: (N, 3, H, W) in [0, 1] -> (N, 3, sH, sW) in [0, 1].

    A network for gray images takes the three colors one by one. Sizes that the architecture does not take are padded
    by spandrel. What normalizes over the whole image, as RealPLKSR and channel attention do, sees one tile of it.

    Args:
        descriptor: what spandrel makes of weights.
        name: of the file, for messages.

    `scale`, `step`, `unshuffle` and `blocks` are what the Upscaler tiles by; see `engines.network.Network`.
    """

    def __init__(self, descriptor: Any, name: str):
        super().__init__()
        self.descriptor, self.name = descriptor, name
        self.network: nn.Module = descriptor.model.eval()
        self.scale: int = descriptor.scale
        self.gray = descriptor.input_channels == 1
        layers = list(self.network.modules())
        attention = any(isinstance(layer, nn.LayerNorm) for layer in layers)
        multiple: int = descriptor.size_requirements.multiple_of
        self.step = math.lcm(multiple, WINDOW if attention else 1)
        unshuffles = descriptor.architecture.id == "ESRGAN" and multiple > 1
        self.unshuffle = UNSHUFFLE.get(self.scale, 1) if unshuffles else 1
        reach = sum(layer.kernel_size[0] // 2 for layer in layers if isinstance(layer, nn.Conv2d))
        self.blocks = max(reach // 15, ATTENTION if attention else CONVOLUTIONS // self.unshuffle)

    def forward(self, x: Tensor) -> Tensor:
        """Several images are taken one by one, as spandrel does."""
        return torch.cat([self._enlarge(image) for image in x.contiguous().split(1)])

    def _enlarge(self, image: Tensor) -> Tensor:
        if not self.gray:
            return self._call(image)
        first = image[:, :1]
        colors = [first] if (image == first).all() else image.split(1, dim=1)
        return torch.cat([self._call(color.contiguous()) for color in colors], dim=1).expand(-1, 3, -1, -1)

    def _call(self, image: Tensor) -> Tensor:
        """Sizes that spandrel guessed wrongly may show only here."""
        try:
            enlarged: Tensor = self.descriptor(image)
        except Exception as error:
            if is_out_of_memory(error):
                raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise FailedError(f"'{self.name}' failed as spandrel understands it: {reason}") from error
        return enlarged

    def to(self, *args: Any, memory_format: Any = None, **kwargs: Any) -> "SpandrelModel":
        """As usual, but the memory format stays: layers of several architectures take no other."""
        return super().to(*args, **kwargs)

    def check_runtime(self, engine: str, precision: str | None) -> None:
        """Raise UserError for an engine or a precision that this network does not have."""
        if engine not in ("auto", "torch"):
            raise UserError(f"'{self.name}' runs under torch alone, not {engine}; leave --engine out")
        supported = {"f16": self.descriptor.supports_half, "bf16": self.descriptor.supports_bfloat16}
        if not supported.get(precision or "", True):
            raise UserError(f"'{self.name}' is of an architecture that does not take {precision}; use f32")


def read_spandrel(path: str | Path) -> SpandrelModel:
    """The network in a file of another program, .safetensors or a .pth of which only tensors are read.

    Raises:
        MissingFileError: there is no such file.
        MissingPackageError: spandrel is not installed.
        UserError: the file is damaged or no enlarger of color or gray images that spandrel knows.
    """
    path = Path(path)
    weights = read_tensors(path)
    spandrel = _import_spandrel(path)
    try:
        descriptor = spandrel.ModelLoader("cpu").load_from_state_dict(weights)
    except spandrel.UnsupportedModelError as error:
        raise UserError(f"'{path}' is of an architecture that spandrel does not know") from error
    except Exception as error:  # of any kind where its guess of the sizes misses
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"'{path}' cannot be loaded by spandrel: {reason}") from error
    channels = descriptor.input_channels, descriptor.output_channels
    if not isinstance(descriptor, spandrel.ImageModelDescriptor) or channels not in ((1, 1), (3, 3)):
        raise UserError(f"'{path}' holds no network for color images, and none for gray ones")
    if descriptor.purpose == "FaceSR":
        raise UserError(f"'{path}' holds a network for faces alone ({descriptor.architecture.name})")
    return SpandrelModel(descriptor, path.name)


def _import_spandrel(path: Path) -> Any:
    try:
        return import_extra("spandrel", f"'{path}'", "spandrel")
    except MissingPackageError as error:
        if "torchvision::" not in str(error):
            raise
        # spandrel imports torchvision, for networks that are of no use here. This one is not built for this torch.
        global _declared
        _declared = torch.library.Library("torchvision", "FRAGMENT")
        for operator in OPERATORS:
            _declared.define(operator)
    return import_extra("spandrel", f"'{path}'", "spandrel")


_declared: torch.library.Library | None = None
"""Kept, because its declarations go when it goes."""
