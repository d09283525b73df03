"""The real script under torchrun: two processes, two nodes, and a resumed pair."""

import json
import os
import subprocess
import sys

import pytest
import torch
from benchmarks.demo_server import free_port
from conftest import photo
from PIL import Image
from small import flat, options, words
from test_safety import weights
from test_training import SCRIPT

from fasrgan_hub.training.checkpoints import load_latest

pytestmark = pytest.mark.slow


@pytest.fixture
def two_photos(tmp_path):
    """Two crops of each image make a batch: whoever has which image, every batch holds the same crops."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(2):
        Image.fromarray(photo(80, 80, index)).save(folder / f"{index}.png")
    return folder


def start(arguments, *launch, more=(), script=SCRIPT):
    torchrun = ["-m", "torch.distributed.run", f"--master_port={free_port()}", *launch] if launch else []
    return subprocess.Popen(
        [sys.executable, *torchrun, str(script), *words(arguments), *more],
        env=os.environ | {"ACCELERATE_USE_CPU": "true"},
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes):
    for process in processes:
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors


def logged_losses(run):
    entries = [json.loads(line) for line in (run / "log.jsonl").open()]
    return [entry["losses"]["content"] for entry in entries if "losses" in entry]


def test_one_process_two_processes_and_two_nodes_agree(two_photos, tmp_path):
    settings = {"stage": "psnr", "steps": 3, "logging": {"every": 1}, "data": {"crops_per_image": 2}}
    one, pair, nodes = (options(two_photos, tmp_path / name, **settings) for name in ("one", "pair", "nodes"))
    finish(start(one))
    finish(start(pair, "--nproc_per_node=2"))
    port = f"--master_port={free_port()}"
    both = ["--nnodes=2", "--nproc_per_node=1", "--master_addr=127.0.0.1", port]
    finish(*(start(nodes, *both, f"--node_rank={rank}") for rank in (0, 1)))
    alone, together, apart = (logged_losses(tmp_path / name) for name in ("one", "pair", "nodes"))
    assert len(alone) == 3
    assert together == apart
    assert together == pytest.approx(alone, rel=1e-5)
    pair_weights, node_weights = weights(tmp_path / "pair"), weights(tmp_path / "nodes")
    assert all(torch.equal(value, node_weights[key]) for key, value in pair_weights.items())


def test_a_process_that_is_done_has_left_its_group(two_photos, tmp_path):
    """Threads of a group that outlive Python may abort the process."""
    script = tmp_path / "train.py"
    script.write_text(
        "import sys\nfrom torch import distributed\nfrom fasrgan_hub.apps.cli.train import main\n"
        "assert main() == 0\nsys.exit(distributed.is_initialized())\n"
    )
    run = options(two_photos, tmp_path / "run", stage="psnr", steps=1, data={"crops_per_image": 2})
    finish(start(run, "--nproc_per_node=2", script=script))


def test_a_resumed_pair_equals_an_uninterrupted_one(photos, tmp_path):
    """Bit for bit, the running statistics of each process included, which are its own."""
    norm = {"discriminator": {"norm": "batch"}}
    whole = options(photos, tmp_path / "whole", "fa-fs-srgan-lite", steps=4, **norm)
    parts = options(photos, tmp_path / "parts", "fa-fs-srgan-lite", steps=2, **norm)
    finish(start(whole, "--nproc_per_node=2"))
    finish(start(parts, "--nproc_per_node=2"))
    resume = {"output": parts["output"], "steps": 4}
    finish(start(resume, "--nproc_per_node=2", more=("--resume=latest",)))
    states = [dict(flat(load_latest(tmp_path / name / "checkpoints"))) for name in ("whole", "parts")]
    ranks = [state.pop("ranks") for state in states]
    for expected, resumed in zip(*ranks, strict=True):
        assert expected["data"] == resumed["data"]
        assert all(torch.equal(value, resumed["buffers"][key]) for key, value in expected["buffers"].items())
    first, second = (rank["buffers"]["down.0.1.running_mean"] for rank in ranks[0])
    assert not torch.equal(first, second)
    for key, value in states[0].items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, states[1][key]), key
