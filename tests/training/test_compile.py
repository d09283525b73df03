"""torch.compile: right in f32, refused where it loses gradients."""

import shutil

import pytest
import torch
from small import config, fresh_accelerate, tiny_features  # noqa: F401
from test_processes import batches, make_stage

from fasrgan_hub.errors import UserError
from fasrgan_hub.training.starting import initial_generator

needs_compiler = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="torch.compile needs a C++ compiler"
)


def relative_error(gradients, expected):
    gradients, expected = (torch.cat([x.flatten() for x in part]) for part in (gradients, expected))
    return float((gradients - expected).norm() / expected.norm())


@pytest.mark.slow
@needs_compiler
def test_compiled_gradients_are_those_of_eager_f32(photos, tmp_path):
    """Would notice gradients that get lost."""
    gradients = []
    for on in (False, True):
        stage = make_stage(config(photos, tmp_path, stage="psnr", compile=on))
        stage.step(*next(batches()))
        gradients.append([parameter.grad for parameter in stage.generator.parameters()])
    assert relative_error(*gradients) < 1e-4


@pytest.mark.slow
@needs_compiler
def test_the_refusal_is_still_needed(photos, tmp_path):
    """The generator of a run, compiled under bf16 autocast on the CPU: its early layers get no gradient."""
    torch.manual_seed(0)
    generator = initial_generator(config(photos, tmp_path))
    lr, hr = next(batches())
    gradients = []
    for forward, bf16 in ((generator, False), (generator, True), (torch.compile(generator), True)):
        generator.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            sr = forward(lr)
        (sr.float() - hr).abs().mean().backward()
        gradients.append([parameter.grad.clone() for parameter in generator.parameters()])
    assert relative_error(gradients[1], gradients[0]) < 0.05, "eager bf16 keeps them"
    if relative_error(gradients[2], gradients[0]) < 0.05:
        pytest.skip(f"torch {torch.__version__} keeps them on this processor; the refusal could go")


def test_batch_norm_over_processes_needs_gpus(photos, tmp_path):
    settings = config(photos, tmp_path, optimizer={"sync_norm": True, "r1": 0.0})
    with pytest.raises(UserError, match="sync_norm needs GPUs"):
        make_stage(settings)
    with pytest.raises(UserError, match=r"sync_norm cannot take the gradient of a gradient"):
        config(photos, tmp_path, optimizer={"sync_norm": True, "r1": 1.0})


def test_bf16_on_the_cpu_is_not_compiled(photos, tmp_path):
    settings = config(photos, tmp_path, compile=True, precision="bf16", optimizer={"r1": 0.0})
    with pytest.raises(UserError, match="loses gradients on the CPU"):
        make_stage(settings)
    with pytest.raises(UserError, match=r"add --optimizer\.r1 0"):
        config(photos, tmp_path, compile=True, optimizer={"r1": 1.0})
