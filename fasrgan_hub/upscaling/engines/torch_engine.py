"""A network under torch, on any device that torch knows."""

import numpy as np
import torch

from ...devices import move
from .choice import Choice
from .network import Engine, Network

DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def torch_engine(network: Network, choice: Choice) -> Engine:
    """The network in channels-last memory, with the device and the type of `choice`."""
    model, dtype = network.load(), DTYPES[choice.precision]
    device = move(model, choice.device, dtype=dtype, memory_format=torch.channels_last)

    @torch.inference_mode()
    def run(x: np.ndarray) -> np.ndarray:
        inputs = torch.from_numpy(x.copy()).to(device, dtype, memory_format=torch.channels_last)
        return model(inputs).to("cpu", torch.float32).numpy()

    return run
