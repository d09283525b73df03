"""A run that is stopped, by whatever and wherever it prints, is saved, says so last, and keeps others out."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from small import config, fresh_accelerate, options, words  # noqa: F401
from test_training import SCRIPT

from fasrgan_hub.errors import UserError
from fasrgan_hub.training.checkpoints import load_latest
from fasrgan_hub.training.loop import train

LAUNCH = [sys.executable, "-m", "accelerate.commands.launch"]
ENDLESS = {
    "stage": "psnr",
    "steps": 10**6,
    "optimizer": {"cosine_steps": 0},
    "logging": {"every": 1, "trackers": ()},
}


def hear_signals():
    """In a new process: what started the tests may ignore signals (nohup, a shell's &), and children inherit that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(arguments, *launch, more=(), **settings):
    command = [*(launch or [sys.executable]), str(SCRIPT), *words(arguments), *more]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=hear_signals, **settings)


def logged(run):
    """The last step in the log."""
    path = run / "log.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return json.loads(lines[-1])["step"] if lines else 0


def wait_for_step(process, run, step=1):
    deadline = time.monotonic() + 100
    while logged(run) < step:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def last_line(run, program="train.py"):
    step = load_latest(run / "checkpoints")["step"]
    return f"{program}: stopped; step {step} is saved, --output {run} --resume latest goes on"


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGTERM, signal.SIGHUP))],
)
def test_a_signal_saves_and_stops(photos, tmp_path, number):
    process = start(options(photos, tmp_path, **ENDLESS))
    wait_for_step(process, tmp_path)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == last_line(tmp_path)
    assert "Traceback" not in errors
    assert (tmp_path / "model" / "model.safetensors").is_file()


def test_a_closed_pipe_neither_ends_a_run_nor_loses_its_checkpoint(photos, tmp_path):
    """What `... 2>&1 | tee log` and Ctrl-C do: the pipe is gone before the trainer prints or saves."""
    process = start(options(photos, tmp_path, **ENDLESS), stdout=subprocess.PIPE)
    wait_for_step(process, tmp_path)
    process.stdout.close()
    process.stderr.close()
    reached = logged(tmp_path)
    wait_for_step(process, tmp_path, reached + 4)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert load_latest(tmp_path / "checkpoints")["step"] > reached


@pytest.mark.parametrize("to_all", [pytest.param(True, marks=pytest.mark.slow), False])
def test_under_accelerate_launch_the_last_line_says_how_to_go_on(photos, tmp_path, to_all):
    """Ctrl-C reaches the launcher as well, which ends first; otherwise its traceback comes after the trainer's end."""
    process = start(
        options(photos, tmp_path, **ENDLESS), *LAUNCH, "--cpu", "--num_processes=1", start_new_session=True
    )
    wait_for_step(process, tmp_path)
    if to_all:
        os.killpg(process.pid, signal.SIGINT)
    else:
        (trainer,) = subprocess.run(
            ["ps", "--ppid", str(process.pid), "-o", "pid="], capture_output=True, text=True
        ).stdout.split()
        os.kill(int(trainer), signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert errors.splitlines()[-1] == last_line(tmp_path)
    assert "Traceback" in errors, "the launcher's, which is why the line is printed after it"


@pytest.mark.slow
def test_a_second_run_in_the_folder_is_refused_while_the_first_lives(photos, tmp_path):
    first = start(options(photos, tmp_path, **ENDLESS, checkpoints={"every": 1}))
    wait_for_step(first, tmp_path, 2)
    for more in ((), ("--resume=latest",)):
        second = start({"output": str(tmp_path)} if more else options(photos, tmp_path), more=more)
        _, errors = second.communicate(timeout=60)
        assert second.returncode == 2
        assert f"train.py: error: another run is going on in '{tmp_path}'" in errors
    assert first.poll() is None
    first.kill()
    first.communicate()
    resumed = start({"output": str(tmp_path), "steps": logged(tmp_path) + 2}, more=("--resume=latest",))
    _, errors = resumed.communicate(timeout=60)
    assert resumed.returncode == 0, errors


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps files that are open")
def test_a_mistyped_command_leaves_nothing(photos, tmp_path):
    run, there = tmp_path / "run", tmp_path / "there"
    there.mkdir()
    for output in (run, there):
        with pytest.raises(UserError, match="no-such-model"):
            train(config(photos, output, start={"init": "no-such-model"}))
    assert not run.exists()
    assert list(there.iterdir()) == []


def test_checkpoints_go_by_the_clock_too(photos, tmp_path):
    choices = {"stage": "psnr", "steps": 3}
    for minutes, steps in ((1e-9, [1, 2, 3]), (60.0, [3]), (0.0, [3])):
        run = tmp_path / str(minutes)
        train(config(photos, run, **choices, checkpoints={"every": 100, "minutes": minutes, "keep": 9}))
        assert [int(path.stem[5:]) for path in sorted((run / "checkpoints").iterdir())] == steps


@pytest.mark.parametrize(
    ("variable", "options", "threads"),
    [
        ({}, [], None),
        pytest.param({"OMP_NUM_THREADS": "1"}, [], 1, marks=pytest.mark.slow),
        pytest.param({}, ["--num_cpu_threads_per_process=1"], 1, marks=pytest.mark.slow),
    ],
)
def test_torch_takes_the_cores_unless_somebody_chose(tmp_path, variable, options, threads):
    """Under the launcher, which sets OMP_NUM_THREADS=1 either way."""
    script = tmp_path / "threads.py"
    script.write_text(
        "from fasrgan_hub.training.launcher import use_all_cores\n"
        "use_all_cores()\nimport torch\nprint('threads', torch.get_num_threads())\n"
    )
    clean = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    command = [*LAUNCH, "--num_processes=1", *options, str(script)]
    printed = subprocess.run(command, env=clean | variable, check=True, capture_output=True, text=True).stdout
    alone = [sys.executable, "-c", "import torch; print(torch.get_num_threads())"]
    default = int(subprocess.run(alone, env=clean, check=True, capture_output=True, text=True).stdout)
    assert int(printed.split()[-1]) == (threads or default)


@pytest.mark.slow
def test_two_processes_stop_and_save_by_the_clock_together(photos, tmp_path):
    many = ENDLESS | {"checkpoints": {"every": 10**6, "minutes": 1e-9, "keep": 3}}
    torchrun = ["-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=0", "--standalone"]
    settings = {"env": os.environ | {"ACCELERATE_USE_CPU": "true"}, "start_new_session": True}
    process = start(options(photos, tmp_path, **many), sys.executable, *torchrun, **settings)
    wait_for_step(process, tmp_path, 4)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=100)
    assert errors.splitlines()[-1] == last_line(tmp_path)
    state = load_latest(tmp_path / "checkpoints")
    assert state["step"] >= 3
    assert len(state["ranks"]) == 2
