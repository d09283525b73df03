"""`accelerate launch` and `torchrun`: what they set for the processes they start, and what they print at their end."""

import os
import subprocess
import sys

import psutil

LAUNCHERS = ("accelerate", "torchrun", "torch.distributed")
SET_BY_LAUNCHERS = ("ACCELERATE_MIXED_PRECISION", "TORCHELASTIC_RUN_ID")

PRINT_AFTER = """
import psutil, sys, time
try:
    launcher, deadline = psutil.Process(int(sys.argv[1])), time.monotonic() + 60
    while launcher.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)
except psutil.Error:
    pass
print(sys.argv[2], file=sys.stderr)
"""
"""A program that prints a line when a process has ended."""


def launcher() -> psutil.Process | None:
    """The `accelerate launch` or `torchrun` that started this process and still runs."""
    if not any(name in os.environ for name in SET_BY_LAUNCHERS):
        return None
    try:
        parent = psutil.Process(os.getppid())
        is_launcher = any(name in word for word in parent.cmdline() for name in LAUNCHERS)
    except psutil.Error:
        return None
    return parent if is_launcher else None


def use_all_cores() -> None:
    """Give torch this machine's cores, shared with the other processes on it, unless somebody chose a number.

    To be called before torch is imported. Launchers set OMP_NUM_THREADS=1 for what they start, where the variable
    was not set for themselves. Threads that wait sleep: spinning, as by default, makes two threads slower than one
    as soon as another program wants a core.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    parent = launcher()
    if parent is None or os.environ.get("OMP_NUM_THREADS") != "1":
        return
    try:
        chosen = "OMP_NUM_THREADS" in parent.environ()
        chosen = chosen or any("num_cpu_threads_per_process" in word for word in parent.cmdline())
    except psutil.Error:
        return
    if not chosen:
        allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        cores = min(allowed, psutil.cpu_count(logical=False) or allowed)
        os.environ["OMP_NUM_THREADS"] = str(max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", 1))))


def leave_group() -> None:
    """End what connects this process to the others of its run, while Python still runs.

    Threads of torch that still run when the interpreter is gone may abort the process.
    """
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def print_last(line: str) -> None:
    """Print a line to standard error, once more under the traceback that a launcher prints when its process fails."""
    from .log import print_line

    print_line(line)
    parent = launcher()
    if parent is not None and os.environ.get("LOCAL_RANK", "0") == "0":
        # In a session of its own, as launchers kill what is in theirs.
        subprocess.Popen(
            [sys.executable, "-c", PRINT_AFTER, str(parent.pid), line],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
