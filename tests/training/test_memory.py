"""Gradient checkpointing: half the memory or less, the same gradients."""

import pytest
import torch
from small import config, fresh_accelerate, tiny_features  # noqa: F401
from test_processes import moved
from torch.autograd.graph import saved_tensors_hooks

from fasrgan_hub.models.generators import RRDBNet, SRResNet


def gradients(generator, x):
    """What a pass keeps for the backward pass in bytes, weights apart, and the gradients."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in generator.parameters()}
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = generator(x).square().mean()
    generator.zero_grad()
    loss.backward()
    size = sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in weights)
    return size, [parameter.grad.clone() for parameter in generator.parameters()]


@pytest.mark.parametrize("shared_blocks", [0, 1])
@pytest.mark.parametrize("kind", [RRDBNet, SRResNet])
def test_checkpointing_keeps_less_than_half_and_gives_the_same_gradients(kind, shared_blocks):
    more = {"growth": 4} if kind is RRDBNet else {}
    generator = kind(blocks=4, features=8, shared_blocks=shared_blocks, **more)
    x = torch.rand(2, 3, 12, 12)
    whole, expected = gradients(generator, x)
    generator.enable_gradient_checkpointing()
    part, checkpointed = gradients(generator, x)
    assert 0 < part < whole / 2
    assert all(map(torch.equal, expected, checkpointed))


@pytest.mark.parametrize("more", [{}, {"precision": "bf16"}, {"optimizer": {"r1": 1.0, "accumulate": 2}}])
@pytest.mark.usefixtures("tiny_features")
def test_a_run_is_the_same_with_checkpointing(photos, tmp_path, more):
    """With the extractor shared: it is recomputed on HR images too."""
    one, other = (
        moved(config(photos, tmp_path, "fa-fs-srgan-lite", gradient_checkpointing=on, **more))
        for on in (False, True)
    )
    assert all(torch.equal(one[key], other[key]) for key in one)
